//! Viewers that have said who they are: one that comes back keeps the name that the application knows.

use std::collections::VecDeque;

use crate::id::{Direction, Identity, PeerKey, StreamId};
use crate::session::ViewerRecord;
use crate::supervisor::Supervisor;
use crate::supervisor::peers::MOST_PEERS;

/// Known viewers; who came last is last.
#[derive(Debug, Default)]
pub(super) struct KnownViewers(VecDeque<ViewerRecord>);

/// As many as can be here, and as many again that are gone; whoever came first is forgotten first.
const MOST_KNOWN: usize = 2 * MOST_PEERS;

impl KnownViewers {
    /// Returns the viewers of an earlier process.
    pub(super) fn of(viewers: Vec<ViewerRecord>) -> Self {
        let mut known = Self::default();
        viewers.into_iter().for_each(|viewer| known.note(viewer));
        known
    }

    /// Returns what is worth storing.
    pub(super) fn records(&self) -> Vec<ViewerRecord> {
        self.0.iter().cloned().collect()
    }

    fn name(&self, identity: Identity, stream: &StreamId) -> Option<PeerKey> {
        let known = self.0.iter().find(|known| known.identity == identity && known.stream == *stream)?;
        Some(PeerKey { peer: known.name.clone(), direction: Direction::Publishing })
    }

    fn note(&mut self, viewer: ViewerRecord) {
        self.0.retain(|known| known.identity != viewer.identity || known.stream != viewer.stream);
        if self.0.len() == MOST_KNOWN {
            self.0.pop_front();
        }
        self.0.push_back(viewer);
    }
}

impl Supervisor {
    /// A viewer on a link without a past has said who it is: it gets the name that it had before, unless that is taken.
    ///
    /// Returns the name. A link that was up keeps the one under which the application has heard of it.
    pub(super) fn call_by_its_name(&mut self, key: &PeerKey) -> PeerKey {
        let Some(link) = self
            .peers
            .link(key)
            .filter(|link| link.connectivity.remote.key.direction == Direction::Publishing)
        else {
            return key.clone();
        };
        let Some(identity) = link.identity() else { return key.clone() };
        let (stream, nameless) = (link.connectivity.remote.stream.clone(), !link.connectivity.health.ever_up);
        let old = self.known_viewers.name(identity, &stream).filter(|_| nameless);
        let name = old.filter(|old| !self.peers.contains(old)).unwrap_or_else(|| key.clone());
        if let Some(mut link) = self.peers.remove(key, &mut self.context) {
            self.context.timers.rename_peer(key, &name);
            link.connectivity.remote.key = name.clone();
            self.peers.insert(link);
        }
        self.known_viewers.note(ViewerRecord { name: name.peer.clone(), identity, stream });
        name
    }
}
