//! The delivery state of absent peers: those that left, and those that an earlier process knew.

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use crate::delivery::durability::Durability;
use crate::delivery::durable::{DeliveryKey, StoreChange};
use crate::delivery::frame::Cursor;
use crate::delivery::inbox::Inbox;
use crate::delivery::link::DeliveryLink;
use crate::id::{Direction, Identity, PeerKey, StreamId};
use crate::input::Recipient;
use crate::message::Payload;

/// Peers of which only the position is kept, so that they repeat nothing.
const MAX_POSITIONS: usize = 512;
/// Peers for which messages are kept: at 4 MiB each they take no more memory than a browser does.
const MAX_KEPT: usize = 64;

/// The absent peers; the one that left first is the first.
#[derive(Debug, Default)]
pub(crate) struct AbsentPeers(VecDeque<AbsentPeer>);

#[derive(Debug)]
struct AbsentPeer {
    delivery_key: DeliveryKey,
    state: AbsentState,
    /// Set for a peer that an earlier process knew: it may not have noticed yet that we are back.
    awaited: Option<Awaited>,
}

/// What is kept of an absent peer.
#[derive(Debug)]
pub(crate) enum AbsentState {
    /// The messages for it, and our position in what it sends.
    Link(DeliveryLink),
    /// Our position only, so that it repeats nothing.
    Position(Inbox),
}

/// How long we wait for a peer that an earlier process knew.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Awaited {
    /// Until when broadcasts are kept for it instead of sent over another link to the same peer, to keep their order.
    pub(crate) preferred_until: Instant,
    /// Until when messages are kept for it although it does not keep its position across restarts.
    pub(crate) until: Instant,
}

/// A message for absent peers.
#[derive(Debug)]
pub(crate) struct OutgoingMessage<'a> {
    pub(crate) to: &'a Recipient,
    pub(crate) payload: &'a Payload,
    /// The streams that we publish; no message is kept for viewers of another one.
    pub(crate) streams: &'a BTreeSet<StreamId>,
    pub(crate) now: Instant,
}

/// A peer whose messages were given up.
#[derive(Debug)]
pub(crate) struct ForgottenPeer {
    /// What the store must learn.
    pub(crate) change: StoreChange,
    /// The peer.
    pub(crate) peer: PeerKey,
    /// How many messages were kept for it.
    pub(crate) messages: u64,
}

impl AbsentPeers {
    /// Returns and removes what is kept of a peer that has come back.
    pub(crate) fn take(&mut self, delivery_key: &DeliveryKey) -> Option<AbsentState> {
        let index = self.0.iter().position(|absent| absent.delivery_key == *delivery_key)?;
        self.0.remove(index).map(|absent| absent.state)
    }

    /// Keeps the state of a peer that left.
    pub(crate) fn put(&mut self, delivery_key: DeliveryKey, state: AbsentState) {
        self.place(AbsentPeer { delivery_key, state, awaited: None });
    }

    /// Keeps the state of a peer that an earlier process knew.
    pub(crate) fn restore(&mut self, delivery_key: DeliveryKey, link: DeliveryLink, awaited: Awaited) {
        self.place(AbsentPeer { delivery_key, state: AbsentState::Link(link), awaited: Some(awaited) });
    }

    fn place(&mut self, absent: AbsentPeer) {
        self.take(&absent.delivery_key);
        self.0.push_back(absent);
        if self.0.len() > MAX_POSITIONS {
            let oldest = self.0.iter().position(|absent| absent.link().is_none());
            oldest.and_then(|index| self.0.remove(index));
        }
    }

    /// Gives up the messages of peers that do not keep their position, and of those that left first if there are too many.
    pub(crate) fn forget(&mut self, now: Instant) -> Vec<ForgottenPeer> {
        let kept = self.0.iter().filter(|absent| absent.link().is_some()).count();
        let mut excess = kept.saturating_sub(MAX_KEPT);
        let mut forgotten = Vec::new();
        for absent in &mut self.0 {
            if !absent.is_forgettable(now) && excess == 0 {
                continue;
            }
            if let Some(link) = absent.give_up() {
                excess = excess.saturating_sub(1);
                let change = StoreChange::Forgotten { delivery_key: absent.delivery_key.clone() };
                forgotten.push(ForgottenPeer { change, peer: absent.key(), messages: link.kept() });
                absent.state = AbsentState::Position(link.into_inbox());
            }
        }
        forgotten
    }

    /// Returns whether a broadcast for the peer with `identity` is kept until it is back as a viewer.
    pub(crate) fn prefers(&self, identity: Identity, streams: &BTreeSet<StreamId>, now: Instant) -> bool {
        self.0.iter().any(|absent| absent.viewer(streams) == Some(identity) && absent.is_preferred(now))
    }

    /// Returns a viewer that `message` is for and that has no room for it.
    pub(crate) fn full_peer(
        &self,
        message: &OutgoingMessage<'_>,
        is_here: impl Fn(Identity) -> bool,
    ) -> Option<PeerKey> {
        let mut meant = self.0.iter().filter(|absent| absent.is_meant(message, &is_here));
        let is_full =
            |absent: &&AbsentPeer| absent.link().is_some_and(|link| !link.can_accept(message.payload.len()));
        meant.find(is_full).map(AbsentPeer::key)
    }

    /// Keeps a message for the viewers that it is for, except those that are here over another link.
    ///
    /// Returns these viewers, and how many older messages of each were dropped for it.
    pub(crate) fn send(
        &mut self,
        message: &OutgoingMessage<'_>,
        is_here: impl Fn(Identity) -> bool,
    ) -> Vec<(PeerKey, u64)> {
        let mut kept = Vec::new();
        for absent in &mut self.0 {
            if !absent.is_meant(message, &is_here) {
                continue;
            }
            let key = absent.key();
            if let AbsentState::Link(link) = &mut absent.state {
                kept.push((key, link.keep(message.payload.clone())));
            }
        }
        kept
    }

    /// The application has the message at `position`, which an absent peer sent, and all before it.
    pub(crate) fn confirm(&mut self, position: Cursor, now: Instant) {
        for absent in &mut self.0 {
            match &mut absent.state {
                AbsentState::Link(link) => link.confirm(position, now),
                AbsentState::Position(inbox) => _ = inbox.confirm(position),
            }
        }
    }

    /// Returns the changes that the store must learn.
    pub(crate) fn changes(&mut self) -> Vec<StoreChange> {
        self.0.iter_mut().flat_map(AbsentPeer::changes).collect()
    }
}

impl AbsentPeer {
    fn link(&self) -> Option<&DeliveryLink> {
        match &self.state {
            AbsentState::Link(link) => Some(link),
            AbsentState::Position(_) => None,
        }
    }

    /// Takes the link, if there is one, and leaves an empty position in its place.
    fn give_up(&mut self) -> Option<DeliveryLink> {
        let state = std::mem::replace(&mut self.state, AbsentState::Position(Inbox::default()));
        match state {
            AbsentState::Link(link) => Some(link),
            AbsentState::Position(_) => {
                self.state = state;
                None
            }
        }
    }

    fn changes(&mut self) -> Vec<StoreChange> {
        match &mut self.state {
            AbsentState::Link(link) => link.changes(&self.delivery_key, None, None),
            AbsentState::Position(_) => Vec::new(),
        }
    }

    /// Returns its identity, if messages for viewers of `streams` are kept for it.
    fn viewer(&self, streams: &BTreeSet<StreamId>) -> Option<Identity> {
        match &self.delivery_key {
            DeliveryKey::Viewer { identity, stream } if self.link().is_some() => {
                streams.contains(stream).then_some(*identity)
            }
            DeliveryKey::Viewer { .. } | DeliveryKey::Publisher { .. } => None,
        }
    }

    fn is_preferred(&self, now: Instant) -> bool {
        self.awaited.is_some_and(|awaited| now < awaited.preferred_until)
    }

    /// Returns whether its messages are useless: its process has forgotten its position.
    fn is_forgettable(&self, now: Instant) -> bool {
        let is_awaited = self.awaited.is_some_and(|awaited| now < awaited.until);
        self.link().is_some_and(|link| link.peer_durability() == Durability::InMemory) && !is_awaited
    }

    fn is_meant(&self, message: &OutgoingMessage<'_>, is_here: impl Fn(Identity) -> bool) -> bool {
        let Some(identity) = self.viewer(message.streams) else { return false };
        self.is_chosen(identity, message.to) && (self.is_preferred(message.now) || !is_here(identity))
    }

    fn is_chosen(&self, identity: Identity, to: &Recipient) -> bool {
        let state = self.link().and_then(DeliveryLink::stored_state);
        let label = state.and_then(|state| state.label.as_deref());
        match to {
            Recipient::Everyone => true,
            Recipient::Labelled(labels) => labels.iter().any(|wanted| wanted == label.unwrap_or_default()),
            Recipient::Named(name) => label == Some(name.as_str()) || identity.to_string() == *name,
        }
    }

    /// Returns the name under which the application knows it.
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
