//! When messages were sent and when they arrived, to tell whether data has flowed since a moment.

use std::collections::BTreeMap;
use std::time::Instant;

use super::role::{NumberedMessage, ProcessId, Role};

/// When messages were sent and when they arrived.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    /// The times at which a process was given its messages, in the order of their numbers.
    sent: BTreeMap<ProcessId, Vec<Instant>>,
    arrivals: BTreeMap<Role, Vec<Arrival>>,
}

#[derive(Clone, Copy, Debug)]
struct Arrival {
    message: NumberedMessage,
    at: Instant,
}

impl Traffic {
    /// Records that a process was given its next message.
    pub(super) fn on_sent(&mut self, process: ProcessId, at: Instant) {
        self.sent.entry(process).or_default().push(at);
    }

    /// Records that a peer received a message.
    pub(super) fn on_received(&mut self, receiver: Role, message: NumberedMessage, at: Instant) {
        self.arrivals.entry(receiver).or_default().push(Arrival { message, at });
    }

    /// Returns when both peers had received a message that was sent at `since` or later.
    pub(super) fn flowed_since(&self, since: Instant) -> Option<Instant> {
        let first_arrivals = Role::BOTH.map(|receiver| {
            let arrivals = self.arrivals.get(&receiver)?;
            let later = arrivals.get(arrivals.partition_point(|arrival| arrival.at < since)..)?;
            later.iter().find(|arrival| self.was_sent_since(arrival.message, since)).map(|arrival| arrival.at)
        });
        let [publisher, viewer] = first_arrivals;
        Some(publisher?.max(viewer?))
    }

    fn was_sent_since(&self, message: NumberedMessage, since: Instant) -> bool {
        let index = usize::try_from(message.number).unwrap_or(usize::MAX).wrapping_sub(1);
        let sent = self.sent.get(&message.sender).and_then(|sent| sent.get(index));
        sent.is_some_and(|sent| *sent >= since)
    }
}
