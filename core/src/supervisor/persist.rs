//! Mail that outlives the process: the store is told of every change before anything depends on it.

use std::time::Duration;

use crate::delivery::Cursor;
use crate::delivery::Inbox;
use crate::delivery::durable::{DeliveryKey, Durability, PeerRecord, PeerState, PersistedState, StoreChange};
use crate::fault::Phase;
use crate::ice::Role;
use crate::id::{Direction, PeerKey, StreamId};
use crate::output::{Event, Output};
use crate::peer::link::PeerLink;
use crate::supervisor::Supervisor;
use crate::supervisor::absent::{Awaited, Mail};
use crate::supervisor::context::Context;

/// A peer that has two links to us has both again within this, even if it is patient.
const RETURN: Duration = Duration::from_secs(60);

impl Supervisor {
    /// Takes up what an earlier process kept, before anything else happens.
    ///
    /// Whoever is in it is awaited: messages are kept for it until it is back.
    pub fn restore(&mut self, mail: Vec<PeerRecord>) {
        let limit = self.context.peer_limit(Phase::RejoinPeerExpiry, Role::Offerer, 0, None);
        let now = self.context.now;
        let awaited = Awaited { preferred_until: now + RETURN.min(limit), until: now + limit };
        for PeerRecord { delivery_key, note, kept } in mail {
            let outbox = self.context.outbox().restored(&note, kept);
            let inbox = Inbox::restored(note.received);
            let persisted = PersistedState::restored(delivery_key.clone(), note, &outbox);
            self.context.absent.restore(
                delivery_key,
                Mail { outbox: Some(outbox), inbox, persisted },
                awaited,
            );
        }
        self.forget_absent();
    }

    /// Tells the store what it does not know yet of a link.
    pub(crate) fn store_link(&mut self, key: &PeerKey) {
        let Some(link) = self.peers.get(key).filter(|link| link.outlives()) else { return };
        let Some(delivery_key) = link.delivery_key() else { return };
        if link.delivery.persisted.delivery_key().is_none() && self.peers.is_stored(&delivery_key) {
            return;
        }
        let changes = self.peers.store(key, |link| {
            let note = link.note();
            link.delivery.persisted.changes(&delivery_key, note, &mut link.delivery.outbox)
        });
        for change in changes.into_iter().flatten() {
            self.context.output(Output::StoreDelivery(change));
        }
    }

    /// Tells the store what it does not know yet of absent peers.
    pub(crate) fn store_absent(&mut self) {
        if self.context.settings.durability == Durability::Durable {
            for change in self.context.absent.changes() {
                self.context.output(Output::StoreDelivery(change));
            }
        }
    }

    /// Forgets absent peers that are too many or too long away; called when that begins to cost something.
    pub(crate) fn forget_absent(&mut self) {
        for (change, peer, messages) in self.context.absent.forget(self.context.now) {
            self.context.output(Output::StoreDelivery(change));
            if messages > 0 {
                self.context.event(Event::Dropped { peer: Some(peer), messages });
            }
        }
    }

    /// The application has a message, and all before it.
    pub(crate) fn confirm(&mut self, from: &PeerKey, position: Cursor) {
        let Some(link) = self.peers.get_mut(from) else { return self.context.absent.confirm(position) };
        if link.delivery.inbox.confirm(position) {
            link.owe_acknowledgement(&mut self.context);
        }
    }
}

impl PeerLink {
    /// Returns with whom this link exchanges mail, as soon as that is known.
    pub(crate) fn delivery_key(&self) -> Option<DeliveryKey> {
        let stream = self.connectivity.remote.stream.clone();
        if let Some(delivery_key) = self.delivery.persisted.delivery_key() {
            return Some(delivery_key.clone());
        }
        match self.connectivity.remote.key.direction {
            Direction::Viewing => Some(DeliveryKey::Publisher { stream }),
            Direction::Publishing => self.identity().map(|identity| DeliveryKey::Viewer { identity, stream }),
        }
    }

    /// Returns whether its mail is kept: a publisher's always, a viewer's if it says how it delivers.
    fn outlives(&self) -> bool {
        let delivers =
            self.connectivity.remote.hello.rejoin.as_ref().is_some_and(|rejoin| rejoin.delivery.is_some());
        self.connectivity.remote.key.direction == Direction::Viewing
            || delivers
            || self.delivery.persisted.delivery_key().is_some()
    }

    /// Returns for how long the peer keeps how far it has come.
    pub(crate) fn memory(&self) -> Durability {
        let said = self.connectivity.remote.hello.rejoin.as_ref().and_then(|rejoin| rejoin.delivery);
        let before = self.delivery.persisted.note().map(|note| note.durability);
        said.map(|delivery| delivery.durability).or(before).unwrap_or_default()
    }

    fn note(&self) -> PeerState {
        let before = self.delivery.persisted.note();
        PeerState {
            identity: self.identity(),
            label: self
                .connectivity
                .remote
                .hello
                .label
                .clone()
                .or_else(|| before.and_then(|note| note.label.clone())),
            durability: self.memory(),
            epoch: self.delivery.outbox.epoch(),
            newest: self.delivery.outbox.newest(),
            acknowledged: self.delivery.outbox.through(),
            received: self.delivery.inbox.cursor(),
        }
    }

    /// Goes on with mail that waited for this peer.
    pub(crate) fn take_up(&mut self, mail: Mail) {
        self.delivery.inbox = mail.inbox;
        if let Some(outbox) = mail.outbox {
            (self.delivery.outbox, self.delivery.persisted) = (outbox, mail.persisted);
        }
    }

    /// Lets the store forget the mail of this link; it ends with the link.
    pub(crate) fn discard(&mut self, context: &mut Context) {
        if let Some(delivery_key) = self.delivery.persisted.delivery_key().cloned() {
            self.delivery.persisted = PersistedState::default();
            context.output(Output::StoreDelivery(StoreChange::Forgotten { delivery_key }));
        }
    }
}

impl Context {
    /// Returns the mail of a new link.
    pub(crate) fn mail_for(&mut self, direction: Direction, stream: &StreamId) -> Mail {
        let kept = match direction {
            Direction::Viewing => self.absent.take(&DeliveryKey::Publisher { stream: stream.clone() }),
            // who views is not known before it says so
            Direction::Publishing => None,
        };
        kept.unwrap_or_else(|| {
            let (inbox, persisted) = (Inbox::new(self.settings.durability), PersistedState::default());
            Mail { outbox: Some(self.outbox()), inbox, persisted }
        })
    }
}
