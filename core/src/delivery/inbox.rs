//! How far we have come in what a peer sends.

use crate::delivery::{Cursor, Epoch};

/// Tells new messages from repetitions, and what is missing.
#[derive(Debug, Default)]
pub struct Inbox {
    epoch: Option<Epoch>,
    /// `None` before the first message: a sender may have begun with an earlier process of ours.
    received: Option<u64>,
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
    /// Notes the peer's epoch; another one is another life of the peer, whose numbers start again.
    pub fn introduced(&mut self, epoch: Epoch) {
        if self.epoch != Some(epoch) {
            *self = Self { epoch: Some(epoch), received: None };
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
        self.received = Some(sequence);
        Arrival { is_new: true, missing: sequence - received - 1 }
    }

    /// Returns whether message `sequence` has come already.
    pub fn has(&self, sequence: u64) -> bool {
        self.received.is_some_and(|received| sequence <= received)
    }

    /// Notes that what lies behind `after` up to `through` and has not come will never come.
    pub fn gap(&mut self, after: u64, through: u64) -> Arrival {
        let received = self.received.unwrap_or(after);
        self.received = Some(received.max(through));
        Arrival { is_new: false, missing: through.saturating_sub(received.max(after)) }
    }

    /// Returns how far we have come; `None` before the peer's first word.
    pub fn cursor(&self) -> Option<Cursor> {
        self.epoch.map(|epoch| Cursor { epoch, sequence: self.received.unwrap_or(0) })
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
    fn another_epoch_starts_again() {
        let mut inbox = Inbox::default();
        inbox.introduced(Epoch(1));
        inbox.message(9);
        inbox.introduced(Epoch(2));
        assert_eq!(inbox.cursor(), Some(Cursor { epoch: Epoch(2), sequence: 0 }));
    }
}
