//! Which messages of a peer have arrived.

use crate::delivery::durability::Durability;
use crate::delivery::frame::{Cursor, Epoch};

/// Distinguishes new messages from repetitions, and counts the missing ones.
///
/// A message counts as accepted when it arrives; a durable inbox accepts it when the application has confirmed it.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    durability: Durability,
    epoch: Option<Epoch>,
    /// `None` before the first message: the sender may have begun with an earlier process of ours.
    received: Option<u64>,
    /// The number up to which everything is accepted; at most `received`.
    confirmed: Option<u64>,
    /// The value of `confirmed` that was last announced to the peer.
    announced: u64,
}

/// What an arriving message or gap means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// Whether the message is to be handed on; a repetition is not.
    pub is_new: bool,
    /// How many messages before it will never arrive.
    pub missing: u64,
}

impl Inbox {
    /// Creates an inbox that has received nothing.
    pub(crate) fn new(durability: Durability) -> Self {
        Self { durability, ..Self::default() }
    }

    /// Restores a durable inbox at its stored position.
    pub(crate) fn restored(cursor: Option<Cursor>) -> Self {
        let received = cursor.map(|cursor| cursor.sequence).filter(|sequence| *sequence > 0);
        let epoch = cursor.map(|cursor| cursor.epoch);
        Self {
            durability: Durability::Durable,
            epoch,
            received,
            confirmed: received,
            announced: received.unwrap_or(0),
        }
    }

    /// Forgets the peer.
    pub(crate) fn forget(&mut self) {
        *self = Self::new(self.durability);
    }

    /// Returns how long this side keeps its position.
    pub(crate) fn durability(&self) -> Durability {
        self.durability
    }

    /// Enters the peer's epoch; if it is another one, the numbers of the peer start again.
    pub(crate) fn enter(&mut self, epoch: Epoch) {
        if self.epoch != Some(epoch) {
            *self = Self { epoch: Some(epoch), ..Self::new(self.durability) };
        }
    }

    /// Returns the epoch of the peer; `None` before its first hello.
    pub(crate) fn epoch(&self) -> Option<Epoch> {
        self.epoch
    }

    /// Records the arrival of message `sequence`.
    ///
    /// The channel keeps order and the sender starts at our position, so a jump means that the sender dropped the
    /// messages between without a gap frame; they count as missing.
    pub(crate) fn on_message(&mut self, sequence: u64) -> Arrival {
        let received = self.received.unwrap_or(sequence.saturating_sub(1));
        if sequence <= received {
            return Arrival { is_new: false, missing: 0 };
        }
        self.advance(sequence);
        Arrival { is_new: true, missing: sequence - received - 1 }
    }

    fn advance(&mut self, sequence: u64) {
        self.received = Some(sequence);
        if self.durability == Durability::InMemory {
            self.confirmed = self.received;
        }
    }

    /// Records that the application has everything up to `cursor`; returns whether that is a change.
    pub(crate) fn confirm(&mut self, cursor: Cursor) -> bool {
        let Some(received) = self.received.filter(|_| self.epoch == Some(cursor.epoch)) else { return false };
        let through = cursor.sequence.min(received);
        let changes = self.confirmed.is_none_or(|confirmed| confirmed < through);
        if changes {
            self.confirmed = Some(through);
        }
        changes
    }

    /// Returns the position of a message in what the peer sends.
    pub(crate) fn position(&self, sequence: u64) -> Option<Cursor> {
        self.epoch.map(|epoch| Cursor { epoch, sequence })
    }

    /// Returns whether message `sequence` has arrived already.
    pub(crate) fn has_received(&self, sequence: u64) -> bool {
        self.received.is_some_and(|received| sequence <= received)
    }

    /// Records that the missing messages behind `after` up to `through` will never arrive.
    ///
    /// A durable inbox reports them again in the next process if nothing behind them was confirmed:
    /// the process before may have been killed before its application saw the report.
    pub(crate) fn on_gap(&mut self, after: u64, through: u64) -> Arrival {
        let received = self.received.unwrap_or(after);
        self.advance(received.max(through));
        Arrival { is_new: false, missing: through.saturating_sub(received.max(after)) }
    }

    /// Returns the position up to which everything is accepted; `None` before the peer's first hello.
    pub(crate) fn cursor(&self) -> Option<Cursor> {
        self.epoch.map(|epoch| Cursor { epoch, sequence: self.confirmed.unwrap_or(0) })
    }

    /// Records that the position is announced to the peer.
    pub(crate) fn announce(&mut self) {
        self.announced = self.confirmed.unwrap_or(0);
    }

    /// Returns how many accepted messages were not announced to the peer.
    pub(crate) fn unannounced(&self) -> u64 {
        self.confirmed.unwrap_or(0).saturating_sub(self.announced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_are_not_new() {
        let mut inbox = Inbox::default();
        inbox.enter(Epoch(1));
        assert_eq!(inbox.on_message(1), Arrival { is_new: true, missing: 0 });
        assert_eq!(inbox.on_message(1), Arrival { is_new: false, missing: 0 });
    }

    #[test]
    fn a_gap_is_counted_once() {
        let mut inbox = Inbox::default();
        inbox.enter(Epoch(1));
        assert_eq!(inbox.on_gap(0, 4), Arrival { is_new: false, missing: 4 });
        assert_eq!(inbox.on_gap(0, 4), Arrival { is_new: false, missing: 0 });
        assert_eq!(inbox.on_message(7), Arrival { is_new: true, missing: 2 });
    }

    #[test]
    fn the_first_number_sets_the_start() {
        let mut inbox = Inbox::default();
        inbox.enter(Epoch(1));
        assert_eq!(inbox.on_message(5), Arrival { is_new: true, missing: 0 });
        assert_eq!(inbox.on_message(4), Arrival { is_new: false, missing: 0 });
    }

    #[test]
    fn a_durable_inbox_accepts_what_is_confirmed() {
        let mut inbox = durable();
        for sequence in 1..=3 {
            assert!(inbox.on_message(sequence).is_new);
        }
        assert_eq!(inbox.cursor(), at(0));
        assert!(inbox.confirm(Cursor { epoch: Epoch(1), sequence: 2 }));
        assert!(!inbox.confirm(Cursor { epoch: Epoch(1), sequence: 1 }));
        assert!(!inbox.confirm(Cursor { epoch: Epoch(2), sequence: 3 }));
        assert_eq!(inbox.cursor(), at(2));
        assert!(inbox.confirm(Cursor { epoch: Epoch(1), sequence: u64::MAX }));
        assert_eq!(inbox.cursor(), at(3));
    }

    #[test]
    fn a_repetition_of_an_unconfirmed_message_is_not_new() {
        let mut inbox = durable();
        inbox.on_message(1);
        assert!(!inbox.on_message(1).is_new);
    }

    #[test]
    fn a_gap_is_reported_again_to_a_process_that_confirmed_nothing_behind_it() {
        let mut inbox = durable();
        inbox.on_message(1);
        inbox.confirm(at(1).unwrap());
        assert_eq!(inbox.on_gap(1, 3).missing, 2);
        let mut next = Inbox::restored(inbox.cursor());
        next.enter(Epoch(1));
        assert_eq!(next.on_gap(1, 3).missing, 2);
        next.on_message(4);
        next.confirm(at(4).unwrap());
        assert_eq!(next.cursor(), at(4));
    }

    #[test]
    fn a_restored_inbox_continues_behind_the_confirmed_position() {
        let mut inbox = Inbox::restored(at(2));
        inbox.enter(Epoch(1));
        assert!(!inbox.on_message(2).is_new);
        assert_eq!(inbox.on_message(4), Arrival { is_new: true, missing: 1 });
    }

    #[test]
    fn only_accepted_messages_are_announced() {
        let mut inbox = durable();
        (1..=3).for_each(|sequence| assert!(inbox.on_message(sequence).is_new));
        assert_eq!(inbox.unannounced(), 0);
        inbox.confirm(Cursor { epoch: Epoch(1), sequence: 2 });
        assert_eq!(inbox.unannounced(), 2);
        inbox.announce();
        assert_eq!(inbox.unannounced(), 0);
        inbox.enter(Epoch(2));
        inbox.on_message(1);
        inbox.confirm(Cursor { epoch: Epoch(2), sequence: 1 });
        assert_eq!(inbox.unannounced(), 1);
    }

    fn durable() -> Inbox {
        let mut inbox = Inbox::new(Durability::Durable);
        inbox.enter(Epoch(1));
        inbox
    }

    fn at(sequence: u64) -> Option<Cursor> {
        Some(Cursor { epoch: Epoch(1), sequence })
    }

    #[test]
    fn another_epoch_starts_at_zero() {
        let mut inbox = Inbox::default();
        inbox.enter(Epoch(1));
        inbox.on_message(9);
        inbox.enter(Epoch(2));
        assert_eq!(inbox.cursor(), Some(Cursor { epoch: Epoch(2), sequence: 0 }));
    }
}
