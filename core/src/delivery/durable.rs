//! What a store keeps of delivery, and how it changes.

mod persisted_state;

pub(crate) use persisted_state::PersistedState;

pub use crate::delivery::durability::Durability;

use std::ops::Range;

use crate::delivery::frame::{Cursor, Epoch};
use crate::id::{Identity, StreamId};
use crate::message::Payload;

/// The name of a peer that stays the same across restarts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryKey {
    /// A viewer of a stream of ours.
    Viewer {
        /// Its identity.
        identity: Identity,
        /// The stream.
        stream: StreamId,
    },
    /// The publisher of a stream that we view: messages may be kept for it before its identity is known.
    Publisher {
        /// The stream.
        stream: StreamId,
    },
}

impl DeliveryKey {
    /// Returns the stream.
    pub fn stream(&self) -> &StreamId {
        match self {
            Self::Viewer { stream, .. } | Self::Publisher { stream } => stream,
        }
    }
}

/// What is known of a peer, and the positions of both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerState {
    /// Its identity.
    pub identity: Option<Identity>,
    /// Its label.
    pub label: Option<String>,
    /// How long it keeps its position.
    pub durability: Durability,
    /// The epoch of what we send to it.
    pub epoch: Epoch,
    /// The number of the newest message for it.
    pub newest: u64,
    /// The number up to which it has acknowledged everything.
    pub acknowledged: u64,
    /// The position of our application in what it sends.
    pub received: Option<Cursor>,
}

/// The stored state of one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerRecord {
    /// The peer.
    pub delivery_key: DeliveryKey,
    /// What is known of it.
    pub state: PeerState,
    /// The messages that it has not acknowledged, by number.
    pub kept: Vec<(u64, Payload)>,
}

/// All that a store keeps of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The identity by which these peers know us.
    pub identity: Option<Identity>,
    /// The peers; the one that was last seen longest ago comes first.
    pub peers: Vec<PeerRecord>,
}

/// A change of what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreChange {
    /// Our identity.
    Identity(Identity),
    /// The state of a peer, which replaces the earlier one.
    StateChanged {
        /// The peer.
        delivery_key: DeliveryKey,
        /// Its state.
        state: PeerState,
    },
    /// A message is kept for a peer.
    Kept {
        /// The peer.
        delivery_key: DeliveryKey,
        /// The number of the message.
        sequence: u64,
        /// The message.
        payload: Payload,
    },
    /// Messages are released.
    Released {
        /// The peer.
        delivery_key: DeliveryKey,
        /// Their numbers; none of these is kept from here on.
        numbers: Range<u64>,
    },
    /// A peer is forgotten, with all its messages.
    Forgotten {
        /// The peer.
        delivery_key: DeliveryKey,
    },
}
