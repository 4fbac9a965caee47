//! The port that keeps mail across processes.

use std::fmt::Debug;

use crate::mail::{MailChange, Mailbag};
use crate::port::StoreError;

/// Keeps mail across processes, so that a process that is killed at any moment loses nothing.
///
/// Its methods block, because nothing that depends on a change may happen before the change is stored:
/// a write should take microseconds, as it does when it ends in the memory of the operating system.
pub trait MailStore: Debug + Send {
    /// Returns what is stored.
    fn load(&mut self) -> Result<Mailbag, StoreError>;

    /// Stores all of `changes` in this order, or none of them.
    fn apply(&mut self, changes: &[MailChange]) -> Result<(), StoreError>;
}
