//! What became of numbered messages, in sums.

use serde::{Deserialize, Serialize};

/// The sums of a [`Ledger`](super::Ledger).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Messages that programs were told to send.
    pub sent: u64,
    /// Messages that arrived, repetitions included.
    pub received: u64,
    /// Messages that have not arrived although their sender lives, or although a later one has.
    pub lost: u64,
    /// Messages that one process printed twice.
    pub duplicated: u64,
    /// Messages that arrived after a later one.
    pub reordered: u64,
    /// The last messages of killed senders.
    pub died_with_sender: u64,
    /// Messages between the last one that a killed receiver printed and the first one of its next life.
    pub died_with_receiver: u64,
    /// Messages that a killed receiver had printed and that came again to its next life.
    pub again_after_kill: u64,
    /// Messages that were lost where one side numbers nothing: before the first connection, or in a break.
    pub lost_in_break: u64,
}

impl Tally {
    /// Returns whether everything arrived once and in order, but for what a kill or a break may cost.
    pub fn is_clean(&self) -> bool {
        (self.lost, self.duplicated, self.reordered) == (0, 0, 0)
    }

    /// Adds another tally.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            sent: self.sent + other.sent,
            received: self.received + other.received,
            lost: self.lost + other.lost,
            duplicated: self.duplicated + other.duplicated,
            reordered: self.reordered + other.reordered,
            died_with_sender: self.died_with_sender + other.died_with_sender,
            died_with_receiver: self.died_with_receiver + other.died_with_receiver,
            again_after_kill: self.again_after_kill + other.again_after_kill,
            lost_in_break: self.lost_in_break + other.lost_in_break,
        }
    }
}
