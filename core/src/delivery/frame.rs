//! What two rejoin peers exchange for delivery: the hello and the frames, with their numbers.

use std::sync::Arc;

use crate::delivery::durability::Durability;
use crate::message::Payload;

/// The largest accepted message, in bytes.
///
/// Four fit into the default outbox.
/// It also bounds the memory that a peer can make us spend on a message that it begins and never ends.
pub const LARGEST_MESSAGE: usize = 1 << 20;

/// How many bytes of a message one frame carries.
///
/// Every known stack accepts a frame of 60,000 bytes, and the header takes less than 100 of them.
pub const LARGEST_SLICE: usize = 59_900;

/// The numbering of one outbox: message numbers start at 1 in each epoch.
///
/// The first epoch of a process is random; each further link of the process gets the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// The position of a receiver in the epoch of a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The epoch of the sender.
    pub epoch: Epoch,
    /// The number of the last message that arrived; 0 before the first.
    pub sequence: u64,
}

/// What a peer that supports delivery announces when a channel opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryHello {
    /// The epoch of what it sends.
    pub epoch: Epoch,
    /// Its position in what we send; `None` if it has received nothing from us.
    pub received: Option<Cursor>,
    /// How long it keeps its position.
    pub durability: Durability,
}

/// A part of a message that is too large for one frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The number of the message.
    pub sequence: u64,
    /// The size of the message in bytes.
    pub total: usize,
    /// How many bytes of the message precede this part.
    pub offset: usize,
    /// The text of the part.
    pub slice: Arc<str>,
}

/// A frame between two peers that have both announced delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryFrame {
    /// A whole message.
    Message {
        /// Its number in the epoch of the sender.
        sequence: u64,
        /// The number up to which the sender has everything that we sent.
        acknowledged: u64,
        /// Its content.
        payload: Payload,
    },
    /// A part of a message.
    Part {
        /// The number up to which the sender has everything that we sent.
        acknowledged: u64,
        /// The part.
        part: Part,
    },
    /// The sender has received messages.
    Acknowledgement {
        /// The number up to which it has everything.
        through: u64,
    },
    /// The sender dropped messages, which will never arrive.
    Gap {
        /// The number before the first of them.
        after: u64,
        /// The number of the last of them.
        through: u64,
    },
}
