//! A viewer that comes back: its identity brings it to its link, or to where it stood when its link was given up.

use crate::id::{Direction, Generation, PeerKey};
use crate::mail::{Address, Memory};
use crate::message::Hello;
use crate::supervisor::Supervisor;
use crate::supervisor::peer_link::PeerLink;
use crate::supervisor::shelf::Mail;

impl Supervisor {
    /// A peer says who it is.
    pub(super) fn met(&mut self, key: &PeerKey, generation: Generation, hello: Hello) {
        let Some(link) = self.peers.get_mut(key) else { return };
        let stranger = !link.is_rejoin();
        if let Some(identity) = hello.rejoin.as_ref().map(|rejoin| rejoin.identity)
            && stranger
            && link.key.direction == Direction::Publishing
            && let Some(mail) =
                self.desk.shelf.take(&Address::Viewer { identity, stream: link.stream.clone() })
        {
            link.take_up(mail);
        }
        link.introduced(hello, generation);
        if link.outage.is_none() {
            link.want_spare(&mut self.desk);
        }
        if stranger && link.identity().is_some() {
            self.desk.record_changed = true;
            self.recognized(key, generation);
        }
    }

    /// A peer turned out to be a rejoin peer: its link can be told, and how far we have come on it.
    fn recognized(&mut self, key: &PeerKey, generation: Generation) {
        let name = match self.known_viewer(key) {
            Some(known) => {
                self.adopt(key, &known, generation);
                known
            }
            None => self.call_by_its_name(key),
        };
        match self.peers.get(&name) {
            Some(link) if link.key.direction == Direction::Publishing => {
                link.announce(generation, &mut self.desk);
            }
            Some(_) | None => {}
        }
    }

    /// Keeps what a peer must not repeat when it comes back, and what it will ask for if it remembers us.
    pub(super) fn remember(&mut self, mut link: PeerLink) {
        let known = link.saved.address().is_some();
        let remembers = known && link.memory() == Memory::Restarts;
        if known && !remembers {
            link.discard(&mut self.desk);
            link.report_dropped(link.outbox.len(), &mut self.desk);
        }
        let Some(address) = link.address() else { return };
        let PeerLink { outbox, inbox, saved, .. } = link;
        match address {
            Address::Viewer { .. } | Address::Publisher { .. } if remembers => {
                self.desk.shelf.put(address, Mail { outbox: Some(outbox), inbox, saved });
                self.forget_absent();
            }
            Address::Viewer { .. } if inbox.cursor().is_some() => {
                self.desk.shelf.put(address, Mail { outbox: None, inbox, saved });
            }
            Address::Viewer { .. } | Address::Publisher { .. } => {}
        }
    }

    /// Moves a connection to the link of the peer that it turned out to belong to.
    fn adopt(&mut self, from: &PeerKey, into: &PeerKey, generation: Generation) {
        let Some(mut provisional) = self.peers.remove(from) else { return };
        let connection = match provisional.candidate.take() {
            Some(candidate) if candidate.generation == generation => Some(candidate),
            other => other.or(provisional.active.take()),
        };
        if let (Some(link), Some(mut connection)) = (self.peers.get_mut(into), connection) {
            // its hello is the first word to this link too, which goes on from there
            connection.epoch = None;
            link.route = provisional.route.take();
            link.adopted(connection, &mut self.desk);
            link.introduced(provisional.hello, generation);
        }
        for connection in [provisional.active.take(), provisional.candidate.take()].into_iter().flatten() {
            connection.close(&mut self.desk);
        }
        self.desk.timers.clear_peer(from);
    }

    /// Returns the link of a viewer that has come back under another route.
    fn known_viewer(&self, key: &PeerKey) -> Option<PeerKey> {
        let newcomer = self.peers.get(key).filter(|link| !link.ever_up)?;
        let identity = newcomer.identity()?;
        let same = |link: &&PeerLink| {
            link.key.direction == Direction::Publishing
                && link.key != *key
                && link.stream == newcomer.stream
                && link.identity() == Some(identity)
        };
        self.peers.values().find(same).map(|link| link.key.clone())
    }
}
