//! Viewers that sent their identity: one that returns keeps the name that the application knows.

use std::collections::VecDeque;

use crate::id::{Direction, Identity, PeerKey, StreamId};
use crate::session::ViewerRecord;
use crate::supervisor::peers::MOST_PEERS;

/// The known viewers, the most recent one last.
#[derive(Debug, Default)]
pub(super) struct KnownViewers(VecDeque<ViewerRecord>);

/// As many as can be connected, and as many again that left; the oldest is forgotten first.
const MOST_KNOWN: usize = 2 * MOST_PEERS;

impl KnownViewers {
    /// Returns the viewers of an earlier process.
    pub(super) fn of(viewers: Vec<ViewerRecord>) -> Self {
        let mut known = Self::default();
        viewers.into_iter().for_each(|viewer| known.insert(viewer));
        known
    }

    /// Returns the records to store.
    pub(super) fn records(&self) -> Vec<ViewerRecord> {
        self.0.iter().cloned().collect()
    }

    pub(super) fn name(&self, identity: Identity, stream: &StreamId) -> Option<PeerKey> {
        let known = self.0.iter().find(|known| known.identity == identity && known.stream == *stream)?;
        Some(PeerKey { peer: known.name.clone(), direction: Direction::Publishing })
    }

    pub(super) fn insert(&mut self, viewer: ViewerRecord) {
        self.0.retain(|known| known.identity != viewer.identity || known.stream != viewer.stream);
        if self.0.len() == MOST_KNOWN {
            self.0.pop_front();
        }
        self.0.push_back(viewer);
    }
}
