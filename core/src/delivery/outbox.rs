//! Messages that were accepted for a peer and are not acknowledged.

mod durable;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::delivery::frame::{Cursor, Epoch, LARGEST_SLICE, Part};
use crate::message::Payload;

/// Numbered messages, kept until the peer acknowledges them; bounded, the oldest is dropped first.
#[derive(Debug)]
pub(crate) struct Outbox {
    epoch: Epoch,
    kept: BTreeMap<u64, Payload>,
    bytes: usize,
    max_messages: usize,
    max_bytes: usize,
    /// The number of the newest message.
    newest: u64,
    /// What is sent next, if it is still kept.
    next: SendPosition,
    /// The number up to which everything was sent or reported as a gap on this connection.
    announced: u64,
    /// The number up to which the peer has acknowledged everything.
    acknowledged: u64,
    /// The numbers that changed since the store was last brought up to date.
    dirty: Range<u64>,
}

/// A message, and how many bytes of it were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct SendPosition {
    sequence: u64,
    offset: usize,
}

/// What is sent next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outgoing {
    /// A message.
    Message {
        /// Its number.
        sequence: u64,
        /// Its content.
        payload: Payload,
    },
    /// A part of a message that is too large for one frame.
    Part(Part),
    /// Messages were dropped and will never arrive.
    Gap {
        /// The number before the first of them.
        after: u64,
        /// The number of the last of them.
        through: u64,
    },
}

impl Outbox {
    /// Creates an empty outbox that keeps at most `max_messages` messages and `max_bytes` bytes.
    pub(crate) fn new(epoch: Epoch, max_messages: usize, max_bytes: usize) -> Self {
        Self {
            epoch,
            kept: BTreeMap::new(),
            bytes: 0,
            max_messages,
            max_bytes,
            newest: 0,
            next: SendPosition { sequence: 1, offset: 0 },
            announced: 0,
            acknowledged: 0,
            dirty: 0..0,
        }
    }

    /// Keeps a message and returns how many older ones were dropped for it.
    pub(crate) fn push(&mut self, payload: Payload) -> u64 {
        self.newest += 1;
        self.keep(self.newest, payload)
    }

    /// Puts back a message that was released when it was sent and that the channel returned.
    pub(crate) fn restore(&mut self, sequence: u64, payload: Payload) -> u64 {
        self.rewind(sequence);
        self.keep(sequence, payload)
    }

    fn keep(&mut self, sequence: u64, payload: Payload) -> u64 {
        self.bytes += payload.len();
        self.mark_dirty(sequence);
        if let Some(replaced) = self.kept.insert(sequence, payload) {
            self.bytes -= replaced.len();
        }
        let mut dropped = 0;
        while self.kept.len() > self.max_messages || self.bytes > self.max_bytes {
            let Some((_, oldest)) = self.kept.pop_first() else { break };
            self.bytes -= oldest.len();
            dropped += 1;
        }
        dropped
    }

    /// Returns what is sent next; it stays kept until it is acknowledged or released.
    pub(crate) fn next_outgoing(&mut self) -> Option<Outgoing> {
        let (sequence, payload) = self.kept.range(self.next.sequence..).next()?;
        let sequence = *sequence;
        if sequence > self.announced + 1 {
            let after = std::mem::replace(&mut self.announced, sequence - 1);
            return Some(Outgoing::Gap { after, through: self.announced });
        }
        let (text, total) = (&payload.0, payload.len());
        let begun = self.next.sequence == sequence && self.next.offset < total;
        let offset = if begun { text.floor_char_boundary(self.next.offset) } else { 0 };
        let end = text.floor_char_boundary(offset.saturating_add(LARGEST_SLICE));
        if end < total {
            self.next = SendPosition { sequence, offset: end };
        } else {
            self.announced = sequence;
            self.next = SendPosition { sequence: sequence + 1, offset: 0 };
        }
        if total <= LARGEST_SLICE {
            return Some(Outgoing::Message { sequence, payload: payload.clone() });
        }
        let slice = text.get(offset..end)?.into();
        Some(Outgoing::Part(Part { sequence, total, offset, slice }))
    }

    /// Records that the peer has everything up to `sequence`; returns whether that is a change.
    ///
    /// A number that was never sent is ignored.
    pub(crate) fn acknowledge(&mut self, sequence: u64) -> bool {
        if sequence > self.newest || sequence <= self.acknowledged {
            return false;
        }
        self.acknowledged = sequence;
        while let Some(entry) = self.kept.first_entry().filter(|entry| *entry.key() <= sequence) {
            self.bytes -= entry.remove().len();
        }
        true
    }

    /// Releases a message that was sent to a peer without delivery.
    pub(crate) fn release(&mut self, sequence: u64) {
        if let Some(payload) = self.kept.remove(&sequence) {
            self.mark_dirty(sequence);
            self.bytes -= payload.len();
        }
    }

    /// Goes back to `sequence`, which the channel returned.
    pub(crate) fn rewind(&mut self, sequence: u64) {
        self.rewind_to_part(sequence, 0);
    }

    /// Goes back to the part of `sequence` behind `offset` bytes, which the channel returned.
    pub(crate) fn rewind_to_part(&mut self, sequence: u64, offset: usize) {
        self.next = self.next.min(SendPosition { sequence, offset });
        self.announced = self.announced.min(sequence.saturating_sub(1));
    }

    /// Continues over a new connection, behind the position that the peer announced.
    pub(crate) fn resume(&mut self, received: Option<Cursor>) {
        let known = received.filter(|cursor| cursor.epoch == self.epoch && cursor.sequence <= self.newest);
        if let Some(cursor) = known {
            self.acknowledge(cursor.sequence);
        }
        self.next = SendPosition { sequence: 1, offset: 0 };
        // messages that an earlier process of the peer has acknowledged are not a gap for a later one
        self.announced = self.acknowledged;
    }

    /// Returns how many messages were not sent on this connection.
    pub(crate) fn unsent(&self) -> u64 {
        self.kept.range(self.next.sequence..).count() as u64
    }

    /// Returns the epoch of these numbers.
    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Returns whether no message is kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Returns whether half of either bound is reached, so that the sender should slow down.
    pub(crate) fn is_half_full(&self) -> bool {
        self.kept.len() >= self.max_messages.div_ceil(2) || self.bytes >= self.max_bytes.div_ceil(2)
    }

    /// Returns whether another message of `bytes` bytes fits without dropping an older one.
    pub(crate) fn can_accept(&self, bytes: usize) -> bool {
        self.kept.len() < self.max_messages && self.bytes.saturating_add(bytes) <= self.max_bytes
    }

    /// Returns how many messages are kept.
    pub(crate) fn len(&self) -> u64 {
        self.kept.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_and_reports_what_it_dropped() {
        let mut outbox = outbox(2, 100);
        assert_eq!((1..=3).map(|n| outbox.push(payload(n))).collect::<Vec<_>>(), [0, 0, 1]);
        assert_eq!(outbox.next_outgoing(), Some(Outgoing::Gap { after: 0, through: 1 }));
        assert_eq!(outbox.next_outgoing(), Some(Outgoing::Message { sequence: 2, payload: payload(2) }));
        assert_eq!(outbox.next_outgoing(), Some(Outgoing::Message { sequence: 3, payload: payload(3) }));
        assert_eq!(outbox.next_outgoing(), None);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mut outbox = outbox(100, 10);
        outbox.push(Payload("123456".into()));
        assert_eq!(outbox.push(Payload("123456".into())), 1);
        assert_eq!(outbox.len(), 1);
    }

    #[test]
    fn half_of_either_bound_is_half_full() {
        for mut outbox in [outbox(4, 100), outbox(100, 4)] {
            assert!(!outbox.is_half_full());
            outbox.push(payload(1));
            assert!(!outbox.is_half_full());
            outbox.push(payload(2));
            assert!(outbox.is_half_full());
            outbox.acknowledge(1);
            assert!(!outbox.is_half_full());
        }
    }

    #[test]
    fn an_acknowledgement_from_the_future_is_ignored() {
        let mut outbox = outbox(10, 100);
        outbox.push(payload(1));
        outbox.acknowledge(99);
        outbox.resume(Some(Cursor { epoch: Epoch(1), sequence: u64::MAX }));
        assert_eq!(outbox.len(), 1);
        assert_eq!(outbox.next_outgoing(), Some(Outgoing::Message { sequence: 1, payload: payload(1) }));
    }

    #[test]
    fn another_epoch_acknowledges_nothing() {
        let mut outbox = outbox(10, 100);
        outbox.push(payload(1));
        outbox.resume(Some(Cursor { epoch: Epoch(2), sequence: 1 }));
        assert_eq!(outbox.len(), 1);
    }

    #[test]
    fn a_released_message_can_be_restored() {
        let mut outbox = outbox(10, 100);
        outbox.push(payload(1));
        outbox.push(payload(2));
        let Some(Outgoing::Message { sequence, payload }) = outbox.next_outgoing() else {
            panic!("nothing is sent")
        };
        outbox.release(sequence);
        outbox.restore(sequence, payload.clone());
        assert_eq!(outbox.next_outgoing(), Some(Outgoing::Message { sequence: 1, payload }));
    }

    #[test]
    fn a_large_message_is_sent_in_parts_that_add_up() {
        let large = "é".repeat(LARGEST_SLICE);
        let mut outbox = outbox(10, usize::MAX);
        outbox.push(Payload(large.as_str().into()));
        let slices: Vec<_> = std::iter::from_fn(|| outbox.next_outgoing()).map(slice).collect();
        assert_eq!((slices.len(), slices.concat()), (2, large));
    }

    #[test]
    fn a_large_message_continues_behind_a_full_channel_and_begins_again_on_the_next_connection() {
        let mut outbox = outbox(10, usize::MAX);
        outbox.push(Payload("x".repeat(3 * LARGEST_SLICE).into()));
        let parts: Vec<_> = std::iter::from_fn(|| outbox.next_outgoing()).collect();
        outbox.rewind_to_part(1, 2 * LARGEST_SLICE);
        outbox.rewind_to_part(1, LARGEST_SLICE);
        assert_eq!(outbox.next_outgoing(), Some(parts[1].clone()));
        outbox.resume(None);
        assert_eq!(outbox.next_outgoing(), Some(parts[0].clone()));
    }

    #[test]
    fn a_large_message_that_is_dropped_half_sent_is_a_gap() {
        let mut outbox = outbox(1, usize::MAX);
        outbox.push(Payload("x".repeat(2 * LARGEST_SLICE).into()));
        outbox.next_outgoing();
        assert_eq!(outbox.push(payload(2)), 1);
        assert_eq!(outbox.next_outgoing(), Some(Outgoing::Gap { after: 0, through: 1 }));
        assert_eq!(outbox.next_outgoing(), Some(Outgoing::Message { sequence: 2, payload: payload(2) }));
    }

    #[test]
    fn an_impossible_position_stops_nothing() {
        for offset in [1, 3 * LARGEST_SLICE, usize::MAX] {
            let mut outbox = outbox(10, usize::MAX);
            outbox.push(Payload("é".repeat(LARGEST_SLICE).into()));
            while outbox.next_outgoing().is_some() {}
            outbox.rewind_to_part(1, offset);
            assert!(outbox.next_outgoing().is_some(), "{offset}");
        }
    }

    fn slice(outgoing: Outgoing) -> String {
        match outgoing {
            Outgoing::Part(part) => part.slice.to_string(),
            Outgoing::Message { .. } | Outgoing::Gap { .. } => panic!("{outgoing:?} is not a part"),
        }
    }

    fn outbox(messages: usize, bytes: usize) -> Outbox {
        Outbox::new(Epoch(1), messages, bytes)
    }

    fn payload(number: u64) -> Payload {
        Payload(number.to_string().into())
    }
}
