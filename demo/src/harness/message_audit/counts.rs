//! The sums of an audit of numbered messages.

use serde::{Deserialize, Serialize};

/// What became of numbered messages, in sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageCounts {
    /// Messages that processes were given to send.
    pub sent: u64,
    /// Messages that arrived, repetitions included.
    pub received: u64,
    /// Messages that did not arrive although their sender runs, or although a later one arrived.
    pub lost: u64,
    /// Messages that one process printed twice.
    pub duplicated: u64,
    /// Messages that arrived after a later one.
    pub reordered: u64,
    /// The last messages of killed senders.
    pub lost_with_sender: u64,
    /// Messages between the last one that a killed receiver printed and the first one that its successor printed.
    pub lost_with_receiver: u64,
    /// Messages that a killed receiver had printed and that its successor received again.
    pub repeated_after_kill: u64,
    /// Messages lost where one side does not acknowledge: before the first connection, or in an outage.
    pub lost_in_outage: u64,
    /// Lines that were printed again under a known position, which a reader of positions skips.
    #[serde(default)]
    pub repeated_positions: u64,
}

impl MessageCounts {
    /// Returns whether everything arrived once and in order, except for what a kill or an outage may cost.
    pub fn is_clean(&self) -> bool {
        (self.lost, self.duplicated, self.reordered) == (0, 0, 0)
    }

    /// Returns the sum of both.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            sent: self.sent + other.sent,
            received: self.received + other.received,
            lost: self.lost + other.lost,
            duplicated: self.duplicated + other.duplicated,
            reordered: self.reordered + other.reordered,
            lost_with_sender: self.lost_with_sender + other.lost_with_sender,
            lost_with_receiver: self.lost_with_receiver + other.lost_with_receiver,
            repeated_after_kill: self.repeated_after_kill + other.repeated_after_kill,
            lost_in_outage: self.lost_in_outage + other.lost_in_outage,
            repeated_positions: self.repeated_positions + other.repeated_positions,
        }
    }
}
