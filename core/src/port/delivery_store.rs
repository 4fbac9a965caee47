//! The port that keeps undelivered messages across processes.

use std::fmt::Debug;
use std::sync::Arc;

use crate::delivery::Cursor;
use crate::delivery::durable::{Snapshot, StoreChange};
use crate::port::StoreError;

/// Keeps delivery state across processes, so that a process that is killed at any moment loses no message.
///
/// Its methods block, because nothing that depends on a change may happen before the change is stored.
/// A write should take microseconds, as it does when it ends in the memory of the operating system.
/// [`StoreChange`] is exhaustive on purpose: a store that ignored a new change would lose messages.
pub trait DeliveryStore: Debug + Send {
    /// Returns what the stored changes lead to; an empty snapshot from a new store.
    ///
    /// The snapshot includes what the [`ConfirmLog`] has recorded.
    ///
    /// # Errors
    /// Fails if the storage cannot be read.
    fn load(&mut self) -> Result<Snapshot, StoreError>;

    /// Stores all of `changes`, in this order, or none of them.
    ///
    /// When it returns, no end of the process undoes them.
    /// A release may name numbers that are not kept.
    ///
    /// # Errors
    /// Fails if the storage cannot be written; nothing of `changes` is stored then.
    fn apply(&mut self, changes: &[StoreChange]) -> Result<(), StoreError>;

    /// Returns a log for confirmations that bypasses [`apply`](Self::apply), if the store has one.
    fn confirm_log(&self) -> Option<Arc<dyn ConfirmLog>> {
        None
    }
}

/// Records what the application has received, before the supervisor gets the confirmation.
///
/// A kill between the moment when the application has a message and the moment when that is stored repeats the
/// message, so the application's own thread records it.
pub trait ConfirmLog: Debug + Send + Sync {
    /// Records that the application has the message at `position` and all before it in its epoch. Blocks.
    ///
    /// # Errors
    /// Fails if the storage cannot be written.
    fn record(&self, position: Cursor) -> Result<(), StoreError>;
}
