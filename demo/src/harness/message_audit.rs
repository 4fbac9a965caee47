//! Counts numbered messages as their receivers printed them: lost, duplicated, reordered.
//!
//! It trusts nothing that rejoin says, only what one process was given and what another one printed.

mod counts;
mod stream;

use std::collections::BTreeMap;

pub use counts::MessageCounts;
use stream::MessageStream;

use super::delivery_guarantee::DeliveryGuarantee;
use super::role::{NumberedMessage, ProcessId, Role};

/// The audit of all numbered messages, one stream per sending process.
#[derive(Debug, Default)]
pub struct MessageAudit {
    guarantee: DeliveryGuarantee,
    streams: BTreeMap<ProcessId, MessageStream>,
    outage: Option<Outage>,
    /// The last position that each receiver printed, by the epoch of its sender.
    positions: BTreeMap<(Role, String), u64>,
    repeated_positions: u64,
}

/// An outage that may cost messages.
#[derive(Debug, Default)]
struct Outage {
    /// The highest number of each process that had arrived before.
    arrived: SentNumbers,
    /// The last number of each process when it detected the outage: it holds what it is given from then on.
    detected: SentNumbers,
}

/// A number of each process.
pub type SentNumbers = BTreeMap<ProcessId, u64>;

impl MessageAudit {
    /// Creates an audit that excuses what `guarantee` allows; with `BestEffort` it begins in an outage.
    pub fn new(guarantee: DeliveryGuarantee) -> Self {
        let outage = (guarantee == DeliveryGuarantee::BestEffort).then(Outage::default);
        Self { guarantee, outage, ..Self::default() }
    }

    /// Records that an outage may begin now.
    pub fn on_outage(&mut self) {
        if self.guarantee == DeliveryGuarantee::BestEffort && self.outage.is_none() {
            let arrived = self.numbers(|stream| stream.highest);
            self.outage = Some(Outage { arrived, detected: SentNumbers::new() });
        }
    }

    /// Records that a process detected the outage, so that it holds what it is given from now on.
    pub fn on_detected(&mut self, sender: ProcessId) {
        let sent = self.streams.get(&sender).map_or(0, |stream| stream.sent);
        if let Some(outage) = &mut self.outage {
            outage.detected.insert(sender, sent);
        }
    }

    /// Records that the outage was over when these numbers had been sent.
    pub fn on_recovered(&mut self, sent: &SentNumbers) {
        let Some(outage) = self.outage.take() else { return };
        for (process, stream) in &mut self.streams {
            let number = |numbers: &SentNumbers| numbers.get(process).copied();
            let last = number(&outage.detected).or(number(sent)).unwrap_or_default();
            stream.excuse_outage(number(&outage.arrived).unwrap_or_default(), last);
        }
    }

    /// Returns the last number that each process was given.
    pub fn sent_numbers(&self) -> SentNumbers {
        self.numbers(|stream| stream.sent)
    }

    fn numbers(&self, number: impl Fn(&MessageStream) -> u64) -> SentNumbers {
        self.streams.iter().map(|(process, stream)| (*process, number(stream))).collect()
    }

    /// Records that a process was given a number.
    pub fn on_sent(&mut self, sender: ProcessId, number: u64) {
        let stream = self.streams.entry(sender).or_default();
        stream.sent = stream.sent.max(number);
    }

    /// Records that a process has accepted everything up to a number, which is on its disk.
    pub fn on_accepted(&mut self, sender: ProcessId, number: u64) {
        let stream = self.streams.entry(sender).or_default();
        stream.accepted = stream.accepted.max(number);
    }

    /// Records the position of a printed message; returns whether a reader that remembers positions takes it as new.
    pub fn is_new_position(&mut self, receiver: Role, epoch: &str, sequence: u64) -> bool {
        let last = self.positions.entry((receiver, epoch.to_owned())).or_default();
        let is_new = sequence > *last;
        *last = sequence.max(*last);
        self.repeated_positions += u64::from(!is_new);
        is_new
    }

    /// Records that `receiver` printed a message.
    pub fn on_received(&mut self, message: NumberedMessage, receiver: ProcessId) {
        let guarantee = self.guarantee;
        let stream = self.streams.entry(message.sender).or_default();
        stream.on_received(message.number, receiver.number, guarantee);
    }

    /// Records that a process was killed.
    pub fn on_killed(&mut self, process: ProcessId) {
        self.streams.entry(process).or_default().killed = true;
    }

    /// Returns how many messages must still arrive: in transit or lost.
    pub fn undelivered(&self) -> u64 {
        self.streams.values().map(|stream| stream.undelivered(self.guarantee)).sum()
    }

    /// Returns how many messages must still arrive and have not been overtaken.
    pub fn in_transit(&self) -> u64 {
        self.streams.values().map(|stream| stream.in_transit(self.guarantee)).sum()
    }

    /// Returns the sums so far, in which only an overtaken message counts as lost.
    pub fn counts_so_far(&self) -> MessageCounts {
        let counts = self.streams.values().map(|stream| stream.counts_so_far(self.guarantee));
        let sum = counts.fold(MessageCounts::default(), |sum, counts| sum.plus(&counts));
        MessageCounts { repeated_positions: self.repeated_positions, ..sum }
    }

    /// Returns the sums at the end of a run, in which everything that is still in transit counts as lost.
    pub fn final_counts(&self) -> MessageCounts {
        MessageCounts { lost: self.undelivered(), ..self.counts_so_far() }
    }
}

#[cfg(test)]
mod tests;
