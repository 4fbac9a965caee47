//! The mail of peers that are not here: those that are gone, and those that an earlier process knew.

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use crate::delivery::durable::{DeliveryKey, Durability, PeerState, PersistedState, StoreChange};
use crate::delivery::{Cursor, Inbox, Outbox};
use crate::id::{Direction, Identity, PeerKey, StreamId};
use crate::input::Recipient;
use crate::message::Payload;

/// What a link and a peer have exchanged, without the link.
#[derive(Debug)]
pub(crate) struct Mail {
    /// `None` if only what the peer must not repeat is kept.
    pub(crate) outbox: Option<Outbox>,
    pub(crate) inbox: Inbox,
    pub(crate) persisted: PersistedState,
}

/// The mail of whoever is not here; who left first stands first.
#[derive(Debug, Default)]
pub(crate) struct AbsentPeers(VecDeque<AbsentPeer>);

#[derive(Debug)]
struct AbsentPeer {
    delivery_key: DeliveryKey,
    mail: Mail,
    /// If an earlier process knew it: it may not have noticed yet that we are back.
    awaited: Option<Awaited>,
}

/// How long is waited for a peer that an earlier process knew.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Awaited {
    /// Until when broadcasts go its way and not over another link to the same peer, so that they stay in order.
    pub(crate) preferred_until: Instant,
    /// Until when it may come back as the same although it says that it remembers nothing.
    pub(crate) until: Instant,
}

/// Peers of which only is kept what they must not repeat.
const MOST_DEPARTED: usize = 512;
/// Peers for which messages are kept: at 4 MiB each they take no more memory than a browser does.
const MOST_REMEMBERED: usize = 64;

impl AbsentPeers {
    /// Returns the mail of a peer that is here from now on.
    pub(crate) fn take(&mut self, delivery_key: &DeliveryKey) -> Option<Mail> {
        let index = self.0.iter().position(|absent| absent.delivery_key == *delivery_key)?;
        self.0.remove(index).map(|absent| absent.mail)
    }

    /// Keeps the mail of a peer that is gone.
    pub(crate) fn put(&mut self, delivery_key: DeliveryKey, mail: Mail) {
        self.place(AbsentPeer { delivery_key, mail, awaited: None });
    }

    /// Keeps the mail of a peer that an earlier process knew.
    pub(crate) fn restore(&mut self, delivery_key: DeliveryKey, mail: Mail, awaited: Awaited) {
        self.place(AbsentPeer { delivery_key, mail, awaited: Some(awaited) });
    }

    fn place(&mut self, absent: AbsentPeer) {
        self.take(&absent.delivery_key);
        self.0.push_back(absent);
        if self.0.len() > MOST_DEPARTED {
            let oldest = self.0.iter().position(|absent| absent.mail.outbox.is_none());
            oldest.and_then(|index| self.0.remove(index));
        }
    }

    /// Forgets whoever was here longest ago if there are too many, and who will not come back as the same.
    ///
    /// Returns what that leads to: what the store is told, and how many messages are lost.
    pub(crate) fn forget(&mut self, now: Instant) -> Vec<(StoreChange, PeerKey, u64)> {
        let kept = self.0.iter().filter(|absent| absent.mail.outbox.is_some()).count();
        let mut excess = kept.saturating_sub(MOST_REMEMBERED);
        let mut forgotten = Vec::new();
        for absent in &mut self.0 {
            if !absent.is_forgettable(now) && excess == 0 {
                continue;
            }
            if let Some(outbox) = absent.mail.outbox.take() {
                excess = excess.saturating_sub(1);
                let change = StoreChange::Forgotten { delivery_key: absent.delivery_key.clone() };
                forgotten.push((change, absent.key(), outbox.len()));
            }
        }
        forgotten
    }

    /// Returns whether a broadcast for whoever goes by this identity waits for a viewer to come back.
    pub(crate) fn prefers(&self, identity: Identity, streams: &BTreeSet<StreamId>, now: Instant) -> bool {
        self.0.iter().any(|absent| absent.viewer(streams) == Some(identity) && absent.is_preferred(now))
    }

    /// Returns a viewer for which a message would be kept if there was room for it.
    pub(crate) fn crowded(
        &self,
        post: &OutgoingMessage<'_>,
        here: impl Fn(Identity) -> bool,
    ) -> Option<PeerKey> {
        let mut meant = self.0.iter().filter(|absent| absent.is_meant(post, &here));
        let is_full = |absent: &&AbsentPeer| {
            absent.mail.outbox.as_ref().is_some_and(|outbox| !outbox.can_accept(post.payload.len()))
        };
        meant.find(is_full).map(AbsentPeer::key)
    }

    /// Keeps a message for the chosen viewers of `streams`, but for those who are `here` otherwise.
    ///
    /// Returns whom it is kept for, and how many older messages each of them lost for it.
    pub(crate) fn send(
        &mut self,
        post: &OutgoingMessage<'_>,
        here: impl Fn(Identity) -> bool,
    ) -> Vec<(PeerKey, u64)> {
        let mut kept = Vec::new();
        for absent in &mut self.0 {
            if !absent.is_meant(post, &here) {
                continue;
            }
            let key = absent.key();
            if let Some(outbox) = &mut absent.mail.outbox {
                kept.push((key, outbox.push(post.payload.clone())));
            }
        }
        kept
    }

    /// Notes how far our application has come in what a peer sent that is gone.
    pub(crate) fn confirm(&mut self, position: Cursor) {
        for absent in &mut self.0 {
            absent.mail.inbox.confirm(position);
        }
    }

    /// Returns what the store does not know yet.
    pub(crate) fn changes(&mut self) -> Vec<StoreChange> {
        self.0.iter_mut().flat_map(|absent| absent.mail.changes(&absent.delivery_key)).collect()
    }
}

/// A message on its way to peers that are not here.
#[derive(Debug)]
pub(crate) struct OutgoingMessage<'a> {
    pub(crate) to: &'a Recipient,
    pub(crate) payload: &'a Payload,
    /// The streams that we publish: nobody waits for what is said to viewers of another one.
    pub(crate) streams: &'a BTreeSet<StreamId>,
    pub(crate) now: Instant,
}

impl Mail {
    fn changes(&mut self, delivery_key: &DeliveryKey) -> Vec<StoreChange> {
        let (Some(outbox), Some(note)) = (&mut self.outbox, self.persisted.note()) else { return Vec::new() };
        let note = PeerState {
            newest: outbox.newest(),
            acknowledged: outbox.through(),
            received: self.inbox.cursor(),
            ..note.clone()
        };
        self.persisted.changes(delivery_key, note, outbox)
    }
}

impl AbsentPeer {
    /// Returns who it is, if messages for viewers of `streams` are kept for it.
    fn viewer(&self, streams: &BTreeSet<StreamId>) -> Option<Identity> {
        match &self.delivery_key {
            DeliveryKey::Viewer { identity, stream } if self.mail.outbox.is_some() => {
                streams.contains(stream).then_some(*identity)
            }
            DeliveryKey::Viewer { .. } | DeliveryKey::Publisher { .. } => None,
        }
    }

    fn is_preferred(&self, now: Instant) -> bool {
        self.awaited.is_some_and(|awaited| now < awaited.preferred_until)
    }

    /// Returns whether it will not come back as the same: its process has forgotten how far it had come.
    fn is_forgettable(&self, now: Instant) -> bool {
        let is_awaited = self.awaited.is_some_and(|awaited| now < awaited.until);
        self.mail.persisted.note().is_some_and(|note| note.durability == Durability::InMemory) && !is_awaited
    }

    fn is_meant(&self, post: &OutgoingMessage<'_>, here: impl Fn(Identity) -> bool) -> bool {
        let Some(identity) = self.viewer(post.streams) else { return false };
        self.is_chosen(identity, post.to) && (self.is_preferred(post.now) || !here(identity))
    }

    fn is_chosen(&self, identity: Identity, to: &Recipient) -> bool {
        let label = self.mail.persisted.note().and_then(|note| note.label.as_deref());
        match to {
            Recipient::Everyone => true,
            Recipient::Labelled(labels) => labels.iter().any(|wanted| wanted == label.unwrap_or_default()),
            Recipient::Named(name) => label == Some(name.as_str()) || identity.to_string() == *name,
        }
    }

    /// Returns the name that the application knows it by.
    fn key(&self) -> PeerKey {
        match &self.delivery_key {
            DeliveryKey::Viewer { identity, .. } => {
                PeerKey { peer: identity.to_string().into(), direction: Direction::Publishing }
            }
            DeliveryKey::Publisher { stream } => {
                PeerKey { peer: stream.0.clone(), direction: Direction::Viewing }
            }
        }
    }
}
