//! What of delivery outlives a process, and how it changes.

mod persisted_state;
#[cfg(test)]
mod tests;

pub use persisted_state::PersistedState;

use std::ops::Range;

use crate::delivery::{Cursor, Epoch};
use crate::id::{Identity, StreamId};
use crate::message::Payload;

/// For how long a side keeps what it has accepted, and how far it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// As long as its process lives.
    #[default]
    InMemory,
    /// Across restarts.
    Durable,
}

/// With whom mail is exchanged, by what stays the same across restarts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryKey {
    /// Somebody who views a stream of ours.
    Viewer {
        /// Who it says it is.
        identity: Identity,
        /// The stream.
        stream: StreamId,
    },
    /// Whoever publishes a stream that we view: messages may wait for it before it has told who it is.
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

/// What is known of a peer, and how far both sides have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerState {
    /// Who it said it is.
    pub identity: Option<Identity>,
    /// Its label.
    pub label: Option<String>,
    /// For how long it keeps how far it has come.
    pub durability: Durability,
    /// The epoch of what we send to it.
    pub epoch: Epoch,
    /// The number of the newest message for it.
    pub newest: u64,
    /// The number up to which it has everything.
    pub acknowledged: u64,
    /// How far our application has come in what it sends.
    pub received: Option<Cursor>,
}

/// The mail of one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerRecord {
    /// Whose.
    pub delivery_key: DeliveryKey,
    /// What is known of it.
    pub note: PeerState,
    /// The messages that it has not acknowledged, by number.
    pub kept: Vec<(u64, Payload)>,
}

/// All the mail of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Who we are in the eyes of these peers.
    pub identity: Option<Identity>,
    /// By peer; whoever has not been heard of for longest comes first.
    pub peers: Vec<PeerRecord>,
}

/// A change of what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreChange {
    /// Who we are.
    Identity(Identity),
    /// What is known of a peer, in place of what was.
    Noted {
        /// The peer.
        delivery_key: DeliveryKey,
        /// What is known of it.
        note: PeerState,
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
    /// Messages are no longer kept.
    Released {
        /// The peer.
        delivery_key: DeliveryKey,
        /// Their numbers; none of these is kept any more.
        numbers: Range<u64>,
    },
    /// A peer is forgotten with everything that was kept for it.
    Forgotten {
        /// The peer.
        delivery_key: DeliveryKey,
    },
}
