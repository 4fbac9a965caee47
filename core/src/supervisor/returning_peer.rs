//! A viewer that comes back: its identity brings it to its link, or to where it stood when its link was given up.

use crate::delivery::durable::{DeliveryKey, Durability};
use crate::id::{Direction, Generation, PeerKey};
use crate::message::Hello;
use crate::supervisor::Supervisor;
use crate::supervisor::absent::Mail;
use crate::supervisor::peer_link::PeerLink;

impl Supervisor {
    /// A peer says who it is.
    pub(super) fn on_hello(&mut self, key: &PeerKey, generation: Generation, hello: Hello) {
        let Some(link) = self.peers.get_mut(key) else { return };
        let stranger = !link.is_rejoin();
        if let Some(identity) = hello.rejoin.as_ref().map(|rejoin| rejoin.identity)
            && stranger
            && link.key.direction == Direction::Publishing
            && let Some(mail) =
                self.context.absent.take(&DeliveryKey::Viewer { identity, stream: link.stream.clone() })
        {
            link.take_up(mail);
        }
        link.introduced(hello, generation);
        if link.outage.is_none() {
            link.want_spare(&mut self.context);
        }
        if stranger && link.identity().is_some() {
            self.context.record_changed = true;
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
                link.announce(generation, &mut self.context);
            }
            Some(_) | None => {}
        }
    }

    /// Keeps what a peer must not repeat when it comes back, and what it will ask for if it remembers us.
    pub(super) fn remember(&mut self, mut link: PeerLink) {
        let known = link.persisted.delivery_key().is_some();
        let remembers = known && link.memory() == Durability::Durable;
        if known && !remembers {
            link.discard(&mut self.context);
            link.report_dropped(link.outbox.len(), &mut self.context);
        }
        let Some(delivery_key) = link.delivery_key() else { return };
        let PeerLink { outbox, inbox, persisted, .. } = link;
        match delivery_key {
            DeliveryKey::Viewer { .. } | DeliveryKey::Publisher { .. } if remembers => {
                self.context.absent.put(delivery_key, Mail { outbox: Some(outbox), inbox, persisted });
                self.forget_absent();
            }
            DeliveryKey::Viewer { .. } if inbox.cursor().is_some() => {
                self.context.absent.put(delivery_key, Mail { outbox: None, inbox, persisted });
            }
            DeliveryKey::Viewer { .. } | DeliveryKey::Publisher { .. } => {}
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
            link.address = provisional.address.take();
            link.adopted(connection, &mut self.context);
            link.introduced(provisional.hello, generation);
        }
        for connection in [provisional.active.take(), provisional.candidate.take()].into_iter().flatten() {
            connection.close(&mut self.context);
        }
        self.context.timers.clear_peer(from);
    }

    /// Returns the link of a viewer that has come back under another address.
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
