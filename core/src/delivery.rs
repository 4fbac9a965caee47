//! Delivery between rejoin peers: what was accepted arrives once and in order, whatever happens to the connection.
//!
//! The sender numbers its messages within an [`Epoch`] and keeps each until the peer has acknowledged it;
//! on every new connection both sides say how far they have come, and the sender goes on from there.
//! The bounds of the [`Outbox`] are the only thing that can lose a message, and then both sides are told.
//! What is too large for one frame travels as [`Part`]s under one number.

pub mod durable;
mod inbox;
pub(crate) mod link;
mod outbox;
mod reassembly;
#[cfg(test)]
mod tests;
mod when_full;

use std::sync::Arc;

pub use inbox::{Arrival, Inbox};
pub use outbox::{Outbox, Outgoing};
pub use reassembly::Reassembly;
pub use when_full::WhenFull;

use crate::delivery::durable::Durability;

/// The largest message taken, in bytes: four fit what is held for a peer by default, and a peer that says that
/// it sends one and never ends makes us keep no more than that.
pub const LARGEST_MESSAGE: usize = 1 << 20;

/// How many bytes of a message one frame carries: every stack that we know takes a frame of 60,000 bytes,
/// and what stands around the text is less than 100.
pub const LARGEST_SLICE: usize = 59_900;

/// One life of a sender: numbers start at 1 again in another epoch. Random, new in every process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

/// How far a receiver has come in a sender's epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The sender's epoch.
    pub epoch: Epoch,
    /// The number of the last message that arrived; 0 before the first.
    pub sequence: u64,
}

/// What a peer that delivers says of itself when a channel opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryHello {
    /// The epoch of what it sends.
    pub epoch: Epoch,
    /// How far it has come in what we send; `None` if it has received nothing of us.
    pub received: Option<Cursor>,
    /// For how long it keeps how far it has come.
    pub durability: Durability,
}

/// A part of a message that is too large for one frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The number of the message.
    pub sequence: u64,
    /// The size of the message in bytes.
    pub total: usize,
    /// How many bytes of the message come before this part.
    pub offset: usize,
    /// The part.
    pub slice: Arc<str>,
}
