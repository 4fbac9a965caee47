//! Delivery between rejoin peers: an accepted message arrives once and in order, across changes of the connection.
//!
//! The sender numbers its messages within an [`Epoch`] and keeps each until the peer has acknowledged it.
//! On every new connection both sides announce their position, and the sender continues behind it.
//! Only the bounds of the outbox can lose a message, and then both sides are informed.
//! A message that is too large for one frame travels as [`Part`]s under one number.

pub(crate) mod absent;
mod durability;
pub mod durable;
mod frame;
mod inbox;
pub(crate) mod link;
pub(crate) mod outbox;
mod reassembly;
#[cfg(test)]
mod tests;
mod when_full;
pub mod wire;

pub use frame::{Cursor, DeliveryFrame, DeliveryHello, Epoch, LARGEST_MESSAGE, LARGEST_SLICE, Part};
pub use when_full::WhenFull;
