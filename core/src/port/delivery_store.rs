//! The port that keeps mail across processes.

use std::fmt::Debug;
use std::sync::Arc;

use crate::delivery::Cursor;
use crate::delivery::durable::{Snapshot, StoreChange};
use crate::port::StoreError;

/// Keeps mail across processes, so that a process that is killed at any moment loses nothing.
///
/// Its methods block, because nothing that depends on a change may happen before the change is stored:
/// a write should take microseconds, as it does when it ends in the memory of the operating system.
pub trait DeliveryStore: Debug + Send {
    /// Returns what is stored.
    fn load(&mut self) -> Result<Snapshot, StoreError>;

    /// Stores all of `changes` in this order, or none of them.
    fn apply(&mut self, changes: &[StoreChange]) -> Result<(), StoreError>;

    /// Returns a shortcut for confirmations, if there is one; what was noted is in what is loaded.
    fn receipts(&self) -> Option<Arc<dyn ConfirmLog>> {
        None
    }
}

/// Notes what the application has before the machine hears of it.
///
/// A kill between the moment when the application has a message and the moment when that is stored repeats the
/// message, so no change of threads should lie between the two.
pub trait ConfirmLog: Debug + Send + Sync {
    /// Notes that the application has a message, and all before it in its epoch. Blocks as [`DeliveryStore`] does.
    fn note(&self, position: Cursor) -> Result<(), StoreError>;
}
