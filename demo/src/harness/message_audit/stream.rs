//! The numbered messages of one sending process, and what became of them.

use std::collections::BTreeSet;

use super::counts::MessageCounts;
use crate::harness::delivery_guarantee::DeliveryGuarantee;

/// The messages of one sending process, numbered from 1.
#[derive(Debug, Default)]
pub(super) struct MessageStream {
    /// The last number that the process was given.
    pub(super) sent: u64,
    /// The last number that the process has on disk.
    pub(super) accepted: u64,
    pub(super) killed: bool,
    /// The highest number that arrived.
    pub(super) highest: u64,
    arrived: BTreeSet<u64>,
    /// The number of the receiving process that received last, and the highest number that it received itself.
    receiver: Option<(u32, u64)>,
    /// Numbers that did not arrive and need not.
    excused: Excused,
    counts: MessageCounts,
}

/// Numbers that did not arrive and need not.
#[derive(Debug, Default)]
struct Excused {
    /// A killed receiver may have acknowledged them and not yet printed them.
    with_receiver: BTreeSet<u64>,
    /// The guarantee allows an outage to lose them.
    in_outage: BTreeSet<u64>,
}

impl MessageStream {
    /// Records that the process with the number `receiver` printed a message.
    pub(super) fn on_received(&mut self, number: u64, receiver: u32, guarantee: DeliveryGuarantee) {
        self.counts.received += 1;
        let (is_same_process, received) = match self.receiver {
            Some((process, received)) if process == receiver => (true, received),
            Some(_) | None => (false, 0),
        };
        let is_first_of_successor = !is_same_process && self.receiver.is_some();
        let while_alive = guarantee == DeliveryGuarantee::WhileAlive;
        if is_first_of_successor && number > self.highest + 1 && while_alive {
            self.excused.with_receiver.extend(self.highest + 1..number);
        }
        self.receiver = Some((receiver, received.max(number)));
        if self.arrived.insert(number) {
            self.counts.reordered += u64::from(number < self.highest);
            self.excused.with_receiver.remove(&number);
            self.excused.in_outage.remove(&number);
        } else if while_alive && receiver > 1 && number > received {
            // The killed receiver had printed it and not yet acknowledged it.
            self.counts.repeated_after_kill += 1;
        } else {
            self.counts.duplicated += 1;
        }
        self.highest = self.highest.max(number);
    }

    /// Excuses the numbers up to `last` that had not arrived before the outage and have not arrived since.
    pub(super) fn excuse_outage(&mut self, arrived_before: u64, last: u64) {
        let in_doubt = arrived_before + 1..=last;
        self.excused.in_outage.extend(in_doubt.filter(|number| !self.arrived.contains(number)));
    }

    /// Returns how many numbers up to the highest that arrived are missing.
    fn gaps(&self) -> u64 {
        self.missing_up_to(self.highest)
    }

    fn missing_up_to(&self, last: u64) -> u64 {
        let in_outage = self.excused.in_outage.range(..=last).count();
        let accounted = self.arrived.len() + self.excused.with_receiver.len() + in_outage;
        last.saturating_sub(accounted as u64)
    }

    /// Returns how many messages must still arrive.
    pub(super) fn undelivered(&self, guarantee: DeliveryGuarantee) -> u64 {
        self.missing_up_to(self.last()).saturating_sub(self.lost_with_sender(guarantee))
    }

    /// Returns how many messages after the highest that arrived must still arrive.
    pub(super) fn in_transit(&self, guarantee: DeliveryGuarantee) -> u64 {
        self.undelivered(guarantee).saturating_sub(self.gaps())
    }

    fn last(&self) -> u64 {
        self.sent.max(self.highest)
    }

    /// Returns how many of the last messages a killed sender may have lost.
    fn lost_with_sender(&self, guarantee: DeliveryGuarantee) -> u64 {
        let safe = match guarantee {
            DeliveryGuarantee::WhileAlive | DeliveryGuarantee::BestEffort => self.highest,
            DeliveryGuarantee::Durable => self.highest.max(self.accepted),
        };
        if self.killed { self.sent.saturating_sub(safe) } else { 0 }
    }

    /// Returns the sums so far, in which only the gaps count as lost.
    pub(super) fn counts_so_far(&self, guarantee: DeliveryGuarantee) -> MessageCounts {
        MessageCounts {
            sent: self.last(),
            lost: self.gaps(),
            lost_with_sender: self.lost_with_sender(guarantee),
            lost_with_receiver: self.excused.with_receiver.len() as u64,
            lost_in_outage: self.excused.in_outage.len() as u64,
            ..self.counts
        }
    }
}
