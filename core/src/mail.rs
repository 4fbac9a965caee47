//! What of delivery outlives a process, and how it changes.

mod saved;
#[cfg(test)]
mod tests;

pub use saved::Saved;

use std::ops::Range;

use crate::delivery::{Cursor, Epoch};
use crate::id::{Identity, StreamId};
use crate::message::Payload;

/// For how long a side keeps what it has accepted, and how far it has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Memory {
    /// As long as its process lives.
    #[default]
    Process,
    /// Across restarts.
    Restarts,
}

/// With whom mail is exchanged, by what stays the same across restarts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Address {
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

impl Address {
    /// Returns the stream.
    pub fn stream(&self) -> &StreamId {
        match self {
            Self::Viewer { stream, .. } | Self::Publisher { stream } => stream,
        }
    }
}

/// What is known of a peer, and how far both sides have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerNote {
    /// Who it said it is.
    pub identity: Option<Identity>,
    /// Its label.
    pub label: Option<String>,
    /// For how long it keeps how far it has come.
    pub memory: Memory,
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
pub struct MailRecord {
    /// Whose.
    pub address: Address,
    /// What is known of it.
    pub note: PeerNote,
    /// The messages that it has not acknowledged, by number.
    pub kept: Vec<(u64, Payload)>,
}

/// All the mail of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mailbag {
    /// Who we are in the eyes of these peers.
    pub owner: Option<Identity>,
    /// By peer; whoever has not been heard of for longest comes first.
    pub mail: Vec<MailRecord>,
}

/// A change of what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailChange {
    /// Who we are.
    Owner(Identity),
    /// What is known of a peer, in place of what was.
    Noted {
        /// The peer.
        address: Address,
        /// What is known of it.
        note: PeerNote,
    },
    /// A message is kept for a peer.
    Kept {
        /// The peer.
        address: Address,
        /// The number of the message.
        sequence: u64,
        /// The message.
        payload: Payload,
    },
    /// Messages are no longer kept.
    Released {
        /// The peer.
        address: Address,
        /// Their numbers; none of these is kept any more.
        numbers: Range<u64>,
    },
    /// A peer is forgotten with everything that was kept for it.
    Forgotten {
        /// The peer.
        address: Address,
    },
}
