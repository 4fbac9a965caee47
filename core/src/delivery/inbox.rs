//! How far we have come in what a peer sends.

use crate::delivery::durable::Durability;
use crate::delivery::{Cursor, Epoch};

/// Tells new messages from repetitions, and what is missing.
///
/// What has arrived is ours at once, or with a durability across restarts when the application has confirmed it.
#[derive(Debug, Default)]
pub struct Inbox {
    durability: Durability,
    epoch: Option<Epoch>,
    /// `None` before the first message: a sender may have begun with an earlier process of ours.
    received: Option<u64>,
    /// The number up to which it is ours; no higher than `received`.
    confirmed: Option<u64>,
    /// The number up to which the peer was told that it is ours.
    told: u64,
}

/// What the arrival of a message or the news of a gap means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Whether it is to be handed on; a repetition is not.
    pub is_new: bool,
    /// How many messages before it will never come.
    pub missing: u64,
}

impl Inbox {
    /// Creates an inbox that has received nothing.
    pub fn new(durability: Durability) -> Self {
        Self { durability, ..Self::default() }
    }

    /// Brings back an inbox with a durability across restarts, as far as it had come.
    pub fn restored(cursor: Option<Cursor>) -> Self {
        let received = cursor.map(|cursor| cursor.sequence).filter(|sequence| *sequence > 0);
        let epoch = cursor.map(|cursor| cursor.epoch);
        Self {
            durability: Durability::Durable,
            epoch,
            received,
            confirmed: received,
            told: received.unwrap_or(0),
        }
    }

    /// Forgets the peer.
    pub fn forget(&mut self) {
        *self = Self::new(self.durability);
    }

    /// Notes the peer's epoch; another one is another life of the peer, whose numbers start again.
    pub fn introduced(&mut self, epoch: Epoch) {
        if self.epoch != Some(epoch) {
            *self = Self { epoch: Some(epoch), ..Self::new(self.durability) };
        }
    }

    /// Notes the arrival of message `sequence`.
    ///
    /// The channel keeps order and the sender starts where we are, so a jump means that the sender let go of
    /// what lies between without saying so; it counts as missing.
    pub fn message(&mut self, sequence: u64) -> Arrival {
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

    /// Notes that the application has everything up to `cursor`; returns whether that is news.
    pub fn confirm(&mut self, cursor: Cursor) -> bool {
        let Some(received) = self.received.filter(|_| self.epoch == Some(cursor.epoch)) else { return false };
        let through = cursor.sequence.min(received);
        let news = self.confirmed.is_none_or(|confirmed| confirmed < through);
        if news {
            self.confirmed = Some(through);
        }
        news
    }

    /// Returns the place of a message in what the peer sends.
    pub fn position(&self, sequence: u64) -> Option<Cursor> {
        self.epoch.map(|epoch| Cursor { epoch, sequence })
    }

    /// Returns whether message `sequence` has come already.
    pub fn has(&self, sequence: u64) -> bool {
        self.received.is_some_and(|received| sequence <= received)
    }

    /// Notes that what lies behind `after` up to `through` and has not come will never come.
    ///
    /// With a durability across restarts it is told again to a process that confirms nothing behind it: the one before
    /// may have been killed before its application heard.
    pub fn gap(&mut self, after: u64, through: u64) -> Arrival {
        let received = self.received.unwrap_or(after);
        self.advance(received.max(through));
        Arrival { is_new: false, missing: through.saturating_sub(received.max(after)) }
    }

    /// Returns how far we have come; `None` before the peer's first word.
    pub fn cursor(&self) -> Option<Cursor> {
        self.epoch.map(|epoch| Cursor { epoch, sequence: self.confirmed.unwrap_or(0) })
    }

    /// Notes that the peer is told how far we have come.
    pub fn told(&mut self) {
        self.told = self.confirmed.unwrap_or(0);
    }

    /// Returns by how many messages we have come further than the peer was told.
    pub fn untold(&self) -> u64 {
        self.confirmed.unwrap_or(0).saturating_sub(self.told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_are_not_new() {
        let mut inbox = Inbox::default();
        inbox.introduced(Epoch(1));
        assert_eq!(inbox.message(1), Arrival { is_new: true, missing: 0 });
        assert_eq!(inbox.message(1), Arrival { is_new: false, missing: 0 });
    }

    #[test]
    fn a_gap_is_counted_once() {
        let mut inbox = Inbox::default();
        inbox.introduced(Epoch(1));
        assert_eq!(inbox.gap(0, 4), Arrival { is_new: false, missing: 4 });
        assert_eq!(inbox.gap(0, 4), Arrival { is_new: false, missing: 0 });
        assert_eq!(inbox.message(7), Arrival { is_new: true, missing: 2 });
    }

    #[test]
    fn a_sender_that_began_before_us_owes_us_nothing() {
        let mut inbox = Inbox::default();
        inbox.introduced(Epoch(1));
        assert_eq!(inbox.message(5), Arrival { is_new: true, missing: 0 });
        assert_eq!(inbox.message(4), Arrival { is_new: false, missing: 0 });
    }

    #[test]
    fn what_is_not_confirmed_is_not_ours() {
        let mut inbox = lasting();
        for sequence in 1..=3 {
            assert!(inbox.message(sequence).is_new);
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
    fn what_comes_again_before_it_is_confirmed_is_not_new() {
        let mut inbox = lasting();
        inbox.message(1);
        assert!(!inbox.message(1).is_new);
    }

    #[test]
    fn a_gap_is_told_again_to_a_process_that_confirmed_nothing_behind_it() {
        let mut inbox = lasting();
        inbox.message(1);
        inbox.confirm(at(1).unwrap());
        assert_eq!(inbox.gap(1, 3).missing, 2);
        let mut next = Inbox::restored(inbox.cursor());
        next.introduced(Epoch(1));
        assert_eq!(next.gap(1, 3).missing, 2);
        next.message(4);
        next.confirm(at(4).unwrap());
        assert_eq!(next.cursor(), at(4));
    }

    #[test]
    fn a_restored_inbox_goes_on_behind_what_was_confirmed() {
        let mut inbox = Inbox::restored(at(2));
        inbox.introduced(Epoch(1));
        assert!(!inbox.message(2).is_new);
        assert_eq!(inbox.message(4), Arrival { is_new: true, missing: 1 });
    }

    #[test]
    fn the_peer_is_told_of_what_is_ours_and_of_no_more() {
        let mut inbox = lasting();
        (1..=3).for_each(|sequence| assert!(inbox.message(sequence).is_new));
        assert_eq!(inbox.untold(), 0);
        inbox.confirm(Cursor { epoch: Epoch(1), sequence: 2 });
        assert_eq!(inbox.untold(), 2);
        inbox.told();
        assert_eq!(inbox.untold(), 0);
        inbox.introduced(Epoch(2));
        inbox.message(1);
        inbox.confirm(Cursor { epoch: Epoch(2), sequence: 1 });
        assert_eq!(inbox.untold(), 1);
    }

    fn lasting() -> Inbox {
        let mut inbox = Inbox::new(Durability::Durable);
        inbox.introduced(Epoch(1));
        inbox
    }

    fn at(sequence: u64) -> Option<Cursor> {
        Some(Cursor { epoch: Epoch(1), sequence })
    }

    #[test]
    fn another_epoch_starts_again() {
        let mut inbox = Inbox::default();
        inbox.introduced(Epoch(1));
        inbox.message(9);
        inbox.introduced(Epoch(2));
        assert_eq!(inbox.cursor(), Some(Cursor { epoch: Epoch(2), sequence: 0 }));
    }
}
