//! Counts numbered messages as their receivers saw them: lost, duplicated, reordered.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::cast::Role;

/// The account of every stream of numbers, one per sender and epoch.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    streams: BTreeMap<(Role, u32), Stream>,
    /// How far each receiver has come, by the epoch of what it printed.
    positions: BTreeMap<(Role, String), u64>,
    repeated: u64,
}

/// The numbers that one sending process gave its messages, from 1.
#[derive(Debug, Default)]
struct Stream {
    /// The highest number that its sender reported.
    sent: u64,
    /// The highest number that arrived.
    highest: u64,
    /// Lower numbers that have not arrived.
    missing: BTreeSet<u64>,
    received: u64,
    duplicated: u64,
    reordered: u64,
}

/// The sums of a [`Ledger`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    /// Messages that were sent.
    pub(crate) sent: u64,
    /// Messages that arrived, repetitions included.
    pub(crate) received: u64,
    /// Messages that were accepted and did not arrive; before the end, those of them that a later one overtook.
    pub(crate) lost: u64,
    /// Messages that arrived once more.
    pub(crate) duplicated: u64,
    /// Messages that arrived after a later one.
    pub(crate) reordered: u64,
    /// Lines that were printed again under a position that had been printed, by which a reader knows them:
    /// the kill came between the line and the note that it is printed.
    pub(crate) repeated: u64,
}

impl Ledger {
    /// Notes that `sender` sent a number.
    pub(crate) fn sent(&mut self, sender: Role, epoch: u32, number: u64) {
        let stream = self.streams.entry((sender, epoch)).or_default();
        stream.sent = stream.sent.max(number);
    }

    /// Notes that `receiver` printed what lies at this position; returns whether a reader that remembers positions
    /// takes it for new.
    pub(crate) fn printed(&mut self, receiver: Role, epoch: &str, sequence: u64) -> bool {
        let reached = self.positions.entry((receiver, epoch.to_owned())).or_default();
        let is_new = sequence > *reached;
        *reached = sequence.max(*reached);
        self.repeated += u64::from(!is_new);
        is_new
    }

    /// Notes that a number of `sender` arrived.
    pub(crate) fn received(&mut self, sender: Role, epoch: u32, number: u64) {
        let stream = self.streams.entry((sender, epoch)).or_default();
        stream.received += 1;
        if number > stream.highest {
            stream.missing.extend(stream.highest + 1..number);
            stream.highest = number;
        } else if stream.missing.remove(&number) {
            stream.reordered += 1;
        } else {
            stream.duplicated += 1;
        }
    }

    /// Returns the last number that a process sent, 0 before the first.
    pub(crate) fn last_sent(&self, sender: Role, epoch: u32) -> u64 {
        // The receiver's report may overtake the sender's.
        self.streams.get(&(sender, epoch)).map_or(0, |stream| stream.sent.max(stream.highest))
    }

    /// Returns the highest number of a process that arrived, 0 before the first.
    pub(crate) fn last_received(&self, sender: Role, epoch: u32) -> u64 {
        self.streams.get(&(sender, epoch)).map_or(0, |stream| stream.highest)
    }

    /// Returns how many messages are on their way, or lost at the end; those of killed senders among them.
    pub(crate) fn outstanding(&self) -> u64 {
        self.streams.values().map(Stream::tail).sum()
    }

    /// Returns the sums so far; what is still on its way is not lost.
    pub(crate) fn tally(&self) -> Tally {
        let mut tally = Tally { repeated: self.repeated, ..Tally::default() };
        for stream in self.streams.values() {
            tally.sent += stream.sent.max(stream.highest);
            tally.received += stream.received;
            tally.lost += stream.missing.len() as u64;
            tally.duplicated += stream.duplicated;
            tally.reordered += stream.reordered;
        }
        tally
    }

    /// Returns the sums at the end, when nothing is on its way any more.
    pub(crate) fn close(&self) -> Tally {
        let tally = self.tally();
        Tally { lost: tally.lost + self.outstanding(), ..tally }
    }
}

impl Stream {
    fn tail(&self) -> u64 {
        self.sent.saturating_sub(self.highest)
    }
}

impl Tally {
    /// Returns what was added since `earlier`; a late arrival takes nothing away.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            sent: self.sent.saturating_sub(earlier.sent),
            received: self.received.saturating_sub(earlier.received),
            lost: self.lost.saturating_sub(earlier.lost),
            duplicated: self.duplicated.saturating_sub(earlier.duplicated),
            reordered: self.reordered.saturating_sub(earlier.reordered),
            repeated: self.repeated.saturating_sub(earlier.repeated),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(sent: u64, received: &[u64]) -> Ledger {
        let mut ledger = Ledger::default();
        ledger.sent(Role::Viewer, 1, sent);
        received.iter().for_each(|number| ledger.received(Role::Viewer, 1, *number));
        ledger
    }

    #[test]
    fn a_complete_stream_loses_nothing() {
        let tally = ledger(3, &[1, 2, 3]).close();
        assert_eq!(tally, Tally { sent: 3, received: 3, ..Tally::default() });
    }

    #[test]
    fn a_gap_is_lost_until_it_is_filled() {
        let mut ledger = ledger(4, &[1, 4]);
        assert_eq!(ledger.tally().lost, 2);
        ledger.received(Role::Viewer, 1, 2);
        assert_eq!((ledger.tally().lost, ledger.tally().reordered), (1, 1));
    }

    #[test]
    fn a_repetition_is_duplicated_and_not_reordered() {
        let tally = ledger(2, &[1, 2, 1, 2]).tally();
        assert_eq!((tally.duplicated, tally.reordered, tally.lost), (2, 0, 0));
    }

    #[test]
    fn messages_before_the_first_arrival_are_lost() {
        assert_eq!(ledger(3, &[3]).tally().lost, 2);
    }

    #[test]
    fn the_tail_is_lost_at_the_end_only() {
        let ledger = ledger(5, &[1, 2, 3]);
        assert_eq!((ledger.tally().lost, ledger.outstanding()), (0, 2));
        assert_eq!(ledger.close().lost, 2);
    }

    #[test]
    fn a_position_is_printed_once_and_known_after_that() {
        let mut ledger = Ledger::default();
        assert!(ledger.printed(Role::Viewer, "a", 1) && ledger.printed(Role::Viewer, "a", 2));
        assert!(ledger.printed(Role::Publisher, "a", 1) && ledger.printed(Role::Viewer, "b", 1));
        assert!(!ledger.printed(Role::Viewer, "a", 2));
        assert_eq!(ledger.tally(), Tally { repeated: 1, ..Tally::default() });
    }

    #[test]
    fn epochs_are_streams_of_their_own() {
        let mut ledger = ledger(9, &[1, 2, 9]);
        ledger.received(Role::Viewer, 2, 1);
        assert_eq!((ledger.tally().duplicated, ledger.tally().lost), (0, 6));
    }

    #[test]
    fn the_account_balances() {
        let mut ledger = ledger(10, &[1, 2, 2, 5, 4, 8]);
        ledger.sent(Role::Publisher, 1, 4);
        ledger.received(Role::Publisher, 1, 1);
        let tally = ledger.close();
        assert_eq!(tally.sent, tally.received - tally.duplicated + tally.lost);
    }

    #[test]
    fn a_window_counts_what_was_added() {
        let mut ledger = ledger(2, &[1, 2]);
        let before = ledger.tally();
        ledger.received(Role::Viewer, 1, 5);
        let window = ledger.tally().since(before);
        assert_eq!((window.received, window.lost), (1, 2));
    }
}
