//! A viewer that comes back: its identity leads to its link, or to what was kept when its link ended.

use crate::delivery::absent::AbsentState;
use crate::delivery::durable::{DeliveryKey, Durability};
use crate::id::{Direction, Generation, Identity, PeerKey};
use crate::message::Hello;
use crate::peer::connections::spare;
use crate::peer::link::PeerLink;
use crate::session::ViewerRecord;
use crate::supervisor::Supervisor;
use crate::supervisor::internal_event::InternalEvent;

impl Supervisor {
    /// Handles the hello of a peer.
    ///
    /// A link to a viewer belongs to one identity, and an identity has one link per stream.
    /// A hello that would change that ends the link: the viewer finds its connection closed and asks again.
    pub(super) fn on_hello(&mut self, key: &PeerKey, generation: Generation, hello: Hello) {
        let identity = hello.rejoin.as_ref().map(|rejoin| rejoin.identity);
        if identity.is_some_and(|identity| self.belongs_to_another_link(key, identity)) {
            return self.remove(key);
        }
        let Some(link) = self.peers.link_mut(key) else { return };
        let is_introduction = !link.connectivity.remote.is_rejoin();
        if let Some(identity) = identity.filter(|_| is_introduction)
            && link.connectivity.remote.key.direction == Direction::Publishing
        {
            let delivery_key =
                DeliveryKey::Viewer { identity, stream: link.connectivity.remote.stream.clone() };
            if let Some(absent) = self.context.absent.take(&delivery_key) {
                link.take_up(absent);
            }
        }
        link.on_hello(hello, generation);
        if link.connectivity.repair.outage.is_none() {
            spare::schedule(&link.connectivity.remote.key, &mut self.context);
        }
        if is_introduction && link.identity().is_some() {
            self.context.raise(InternalEvent::RecordChanged);
            self.on_introduction(key, generation);
        }
    }

    /// Returns whether a viewer with `identity` cannot be the one of this link.
    fn belongs_to_another_link(&self, key: &PeerKey, identity: Identity) -> bool {
        let Some(link) = self
            .peers
            .link(key)
            .filter(|link| link.connectivity.remote.key.direction == Direction::Publishing)
        else {
            return false;
        };
        match link.identity() {
            Some(known) => known != identity,
            // a connection that is not up yet moves to the link that the viewer has
            None => link.connectivity.health.ever_up && self.link_of(identity, link).is_some(),
        }
    }

    /// Returns another link to the viewer of `link`, if it has this identity.
    fn link_of(&self, identity: Identity, link: &PeerLink) -> Option<PeerKey> {
        let is_same = |other: &&PeerKey| {
            other.direction == Direction::Publishing
                && **other != link.connectivity.remote.key
                && self
                    .peers
                    .link(other)
                    .is_some_and(|other| other.connectivity.remote.stream == link.connectivity.remote.stream)
        };
        self.peers.by_identity(identity).find(is_same).cloned()
    }

    /// A peer said for the first time that it is a rejoin peer: a viewer gets its earlier link or name, and our position.
    fn on_introduction(&mut self, key: &PeerKey, generation: Generation) {
        let name = match self.earlier_link(key) {
            Some(known) => {
                self.adopt(key, &known, generation);
                known
            }
            None => self.restore_name(key),
        };
        match self.peers.link(&name) {
            Some(link) if link.connectivity.remote.key.direction == Direction::Publishing => {
                link.announce(generation, &mut self.context);
            }
            Some(_) | None => {}
        }
    }

    /// Keeps our position in what a viewer sends, and the messages for a peer that keeps its own position.
    pub(super) fn remember(&mut self, mut link: PeerLink) {
        let is_stored = link.delivery.stored_key().is_some();
        let remembers = is_stored && link.delivery.peer_durability() == Durability::Durable;
        if is_stored && !remembers {
            link.discard(&mut self.context);
            link.report_dropped(link.delivery.kept(), &mut self.context);
        }
        let Some(delivery_key) = link.delivery_key() else { return };
        match delivery_key {
            DeliveryKey::Viewer { .. } | DeliveryKey::Publisher { .. } if remembers => {
                self.context.absent.put(delivery_key, AbsentState::Link(link.delivery.detached()));
                self.forget_absent();
            }
            DeliveryKey::Viewer { .. } if link.delivery.received().is_some() => {
                self.context.absent.put(delivery_key, AbsentState::Position(link.delivery.into_inbox()));
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
        if let (Some(link), Some(connection)) = (self.peers.link_mut(into), connection) {
            link.connectivity.remote.address = provisional.connectivity.remote.address.take();
            link.connectivity.adopt(connection, &mut self.context);
            link.on_hello(provisional.connectivity.remote.hello, generation);
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

    /// Returns the link that a viewer which has come back under another address had before.
    fn earlier_link(&self, key: &PeerKey) -> Option<PeerKey> {
        let newcomer = self.peers.link(key).filter(|link| !link.connectivity.health.ever_up)?;
        let is_viewer = newcomer.connectivity.remote.key.direction == Direction::Publishing;
        self.link_of(newcomer.identity().filter(|_| is_viewer)?, newcomer)
    }

    /// Gives the viewer of a link that was never up the name that it had before, unless that is taken.
    ///
    /// Returns the name. A link that was up keeps its name, which the application knows.
    fn restore_name(&mut self, key: &PeerKey) -> PeerKey {
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
        self.known_viewers.insert(ViewerRecord { name: name.peer.clone(), identity, stream });
        name
    }
}
