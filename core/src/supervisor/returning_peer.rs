//! A viewer that comes back: its identity brings it to its link, or to where it stood when its link was given up.

use crate::delivery::durable::{DeliveryKey, Durability};
use crate::delivery::link::LinkDelivery;
use crate::id::{Direction, Generation, PeerKey};
use crate::message::Hello;
use crate::peer::connections::spare;
use crate::peer::link::PeerLink;
use crate::supervisor::Supervisor;
use crate::supervisor::absent::Mail;
use crate::supervisor::internal_event::InternalEvent;

impl Supervisor {
    /// A peer says who it is.
    pub(super) fn on_hello(&mut self, key: &PeerKey, generation: Generation, hello: Hello) {
        let Some(link) = self.peers.get_mut(key) else { return };
        let stranger = !link.connectivity.remote.is_rejoin();
        if let Some(identity) = hello.rejoin.as_ref().map(|rejoin| rejoin.identity)
            && stranger
            && link.connectivity.remote.key.direction == Direction::Publishing
            && let Some(mail) = self
                .context
                .absent
                .take(&DeliveryKey::Viewer { identity, stream: link.connectivity.remote.stream.clone() })
        {
            link.take_up(mail);
        }
        link.introduced(hello, generation);
        if link.connectivity.repair.outage.is_none() {
            spare::schedule(&link.connectivity.remote.key, &mut self.context);
        }
        if stranger && link.identity().is_some() {
            self.context.raise(InternalEvent::RecordChanged);
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
            Some(link) if link.connectivity.remote.key.direction == Direction::Publishing => {
                link.announce(generation, &mut self.context);
            }
            Some(_) | None => {}
        }
    }

    /// Keeps what a peer must not repeat when it comes back, and what it will ask for if it remembers us.
    pub(super) fn remember(&mut self, mut link: PeerLink) {
        let known = link.delivery.persisted.delivery_key().is_some();
        let remembers = known && link.memory() == Durability::Durable;
        if known && !remembers {
            link.discard(&mut self.context);
            link.report_dropped(link.delivery.outbox.len(), &mut self.context);
        }
        let Some(delivery_key) = link.delivery_key() else { return };
        let LinkDelivery { outbox, inbox, persisted, .. } = link.delivery;
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
        let Some(mut provisional) = self.peers.remove(from, &mut self.context) else { return };
        let connection = match provisional.connectivity.connections.candidate.take() {
            Some(candidate) if candidate.generation == generation => Some(candidate),
            other => other.or(provisional.connectivity.connections.active.take()),
        };
        if let (Some(link), Some(mut connection)) = (self.peers.get_mut(into), connection) {
            // its hello is the first word to this link too, which goes on from there
            connection.epoch = None;
            link.connectivity.remote.address = provisional.connectivity.remote.address.take();
            link.connectivity.adopt(connection, &mut self.context);
            link.introduced(provisional.connectivity.remote.hello, generation);
        }
        for connection in [
            provisional.connectivity.connections.active.take(),
            provisional.connectivity.connections.candidate.take(),
        ]
        .into_iter()
        .flatten()
        {
            connection.close(&mut self.context);
        }
        self.context.timers.clear_peer(from);
    }

    /// Returns the link of a viewer that has come back under another address.
    fn known_viewer(&self, key: &PeerKey) -> Option<PeerKey> {
        let newcomer = self.peers.get(key).filter(|link| !link.connectivity.health.ever_up)?;
        let identity = newcomer.identity()?;
        let mut others = self.peers.by_identity(identity).filter(|other| *other != key);
        let known = others.find(|other| {
            let same_stream =
                |link: &PeerLink| link.connectivity.remote.stream == newcomer.connectivity.remote.stream;
            other.direction == Direction::Publishing && self.peers.get(other).is_some_and(same_stream)
        });
        known.cloned()
    }
}
