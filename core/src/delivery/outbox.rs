//! What was accepted for a peer and has not been acknowledged.

mod lasting;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::delivery::{Cursor, Epoch, LARGEST_SLICE, Part};
use crate::message::Payload;

/// Numbered messages, kept until the peer has them; bounded, oldest dropped first.
#[derive(Debug)]
pub struct Outbox {
    epoch: Epoch,
    kept: BTreeMap<u64, Payload>,
    bytes: usize,
    most_messages: usize,
    most_bytes: usize,
    /// The number of the newest message.
    newest: u64,
    /// What goes out next, if it is still kept.
    next: SendPosition,
    /// The number up to which the peer has been sent or told everything on this connection.
    told: u64,
    /// The number up to which the peer has everything.
    acknowledged: u64,
    /// Between which numbers the store has something to learn.
    dirty: Range<u64>,
}

/// A message, and how many bytes of it have gone out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct SendPosition {
    sequence: u64,
    offset: usize,
}

/// What goes out next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// A message.
    Message {
        /// Its number.
        sequence: u64,
        /// Its content.
        payload: Payload,
    },
    /// A part of a message that is too large for one frame.
    Part(Part),
    /// Messages were dropped and will never come.
    Gap {
        /// The number before the first of them.
        after: u64,
        /// The number of the last of them.
        through: u64,
    },
}

impl Outbox {
    /// Creates an empty outbox that keeps at most so many messages and bytes.
    pub fn new(epoch: Epoch, most_messages: usize, most_bytes: usize) -> Self {
        Self {
            epoch,
            kept: BTreeMap::new(),
            bytes: 0,
            most_messages,
            most_bytes,
            newest: 0,
            next: SendPosition { sequence: 1, offset: 0 },
            told: 0,
            acknowledged: 0,
            dirty: 0..0,
        }
    }

    /// Keeps a message and returns how many older ones had to go.
    pub fn push(&mut self, payload: Payload) -> u64 {
        self.newest += 1;
        self.keep(self.newest, payload)
    }

    /// Puts a message back that was let go of when it went out and has come back unsent.
    pub fn restore(&mut self, sequence: u64, payload: Payload) -> u64 {
        self.rewind(sequence);
        self.keep(sequence, payload)
    }

    fn keep(&mut self, sequence: u64, payload: Payload) -> u64 {
        self.bytes += payload.len();
        self.touch(sequence);
        if let Some(replaced) = self.kept.insert(sequence, payload) {
            self.bytes -= replaced.len();
        }
        let mut dropped = 0;
        while self.kept.len() > self.most_messages || self.bytes > self.most_bytes {
            let Some((_, oldest)) = self.kept.pop_first() else { break };
            self.bytes -= oldest.len();
            dropped += 1;
        }
        dropped
    }

    /// Returns what goes out next; it stays kept until it is acknowledged or let go of.
    pub fn next_outgoing(&mut self) -> Option<Outgoing> {
        let (sequence, payload) = self.kept.range(self.next.sequence..).next()?;
        let sequence = *sequence;
        if sequence > self.told + 1 {
            let after = std::mem::replace(&mut self.told, sequence - 1);
            return Some(Outgoing::Gap { after, through: self.told });
        }
        let (text, total) = (&payload.0, payload.len());
        let begun = self.next.sequence == sequence && self.next.offset < total;
        let offset = if begun { text.floor_char_boundary(self.next.offset) } else { 0 };
        let end = text.floor_char_boundary(offset.saturating_add(LARGEST_SLICE));
        if end < total {
            self.next = SendPosition { sequence, offset: end };
        } else {
            self.told = sequence;
            self.next = SendPosition { sequence: sequence + 1, offset: 0 };
        }
        if total <= LARGEST_SLICE {
            return Some(Outgoing::Message { sequence, payload: payload.clone() });
        }
        let slice = text.get(offset..end)?.into();
        Some(Outgoing::Part(Part { sequence, total, offset, slice }))
    }

    /// Notes that the peer has everything up to `sequence`, and returns whether that is news.
    ///
    /// A number that never went out is ignored.
    pub fn acknowledge(&mut self, sequence: u64) -> bool {
        if sequence > self.newest || sequence <= self.acknowledged {
            return false;
        }
        self.acknowledged = sequence;
        while let Some(entry) = self.kept.first_entry().filter(|entry| *entry.key() <= sequence) {
            self.bytes -= entry.remove().len();
        }
        true
    }

    /// Lets go of a message that went to a peer that acknowledges nothing.
    pub fn close_connection(&mut self, sequence: u64) {
        if let Some(payload) = self.kept.remove(&sequence) {
            self.touch(sequence);
            self.bytes -= payload.len();
        }
    }

    /// Goes back to `sequence`, which came back unsent.
    pub fn rewind(&mut self, sequence: u64) {
        self.rewind_into(sequence, 0);
    }

    /// Goes back to the part of `sequence` behind `offset` bytes, which came back unsent.
    pub fn rewind_into(&mut self, sequence: u64, offset: usize) {
        self.next = self.next.min(SendPosition { sequence, offset });
        self.told = self.told.min(sequence.saturating_sub(1));
    }

    /// Goes on over a new connection, from where the peer says it is.
    pub fn resume(&mut self, received: Option<Cursor>) {
        let known = received.filter(|cursor| cursor.epoch == self.epoch && cursor.sequence <= self.newest);
        if let Some(cursor) = known {
            self.acknowledge(cursor.sequence);
        }
        self.next = SendPosition { sequence: 1, offset: 0 };
        // what an earlier process of the peer has acknowledged is no gap to a later one
        self.told = self.acknowledged;
    }

    /// Returns how many messages have not gone out on this connection.
    pub fn unsent(&self) -> u64 {
        self.kept.range(self.next.sequence..).count() as u64
    }

    /// Returns the epoch of these numbers.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Returns whether nothing waits for an acknowledgement.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Returns whether half of either bound is reached: time to tell whoever sends to slow down.
    pub fn is_half_full(&self) -> bool {
        self.kept.len() >= self.most_messages.div_ceil(2) || self.bytes >= self.most_bytes.div_ceil(2)
    }

    /// Returns whether another message of so many bytes is kept without letting go of an older one.
    pub fn can_accept(&self, bytes: usize) -> bool {
        self.kept.len() < self.most_messages && self.bytes.saturating_add(bytes) <= self.most_bytes
    }

    /// Returns how many messages are kept.
    pub fn len(&self) -> u64 {
        self.kept.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_and_tells_what_it_dropped() {
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
    fn what_was_let_go_of_can_come_back() {
        let mut outbox = outbox(10, 100);
        outbox.push(payload(1));
        outbox.push(payload(2));
        let Some(Outgoing::Message { sequence, payload }) = outbox.next_outgoing() else {
            panic!("nothing went out")
        };
        outbox.close_connection(sequence);
        outbox.restore(sequence, payload.clone());
        assert_eq!(outbox.next_outgoing(), Some(Outgoing::Message { sequence: 1, payload }));
    }

    #[test]
    fn a_giant_goes_out_in_parts_that_add_up() {
        let giant = "é".repeat(LARGEST_SLICE);
        let mut outbox = outbox(10, usize::MAX);
        outbox.push(Payload(giant.as_str().into()));
        let slices: Vec<_> = std::iter::from_fn(|| outbox.next_outgoing()).map(slice).collect();
        assert_eq!((slices.len(), slices.concat()), (2, giant));
    }

    #[test]
    fn a_giant_goes_on_where_the_channel_was_full_and_begins_again_on_the_next() {
        let mut outbox = outbox(10, usize::MAX);
        outbox.push(Payload("x".repeat(3 * LARGEST_SLICE).into()));
        let parts: Vec<_> = std::iter::from_fn(|| outbox.next_outgoing()).collect();
        outbox.rewind_into(1, 2 * LARGEST_SLICE);
        outbox.rewind_into(1, LARGEST_SLICE);
        assert_eq!(outbox.next_outgoing(), Some(parts[1].clone()));
        outbox.resume(None);
        assert_eq!(outbox.next_outgoing(), Some(parts[0].clone()));
    }

    #[test]
    fn a_giant_that_is_dropped_half_out_is_a_gap() {
        let mut outbox = outbox(1, usize::MAX);
        outbox.push(Payload("x".repeat(2 * LARGEST_SLICE).into()));
        outbox.next_outgoing();
        assert_eq!(outbox.push(payload(2)), 1);
        assert_eq!(outbox.next_outgoing(), Some(Outgoing::Gap { after: 0, through: 1 }));
        assert_eq!(outbox.next_outgoing(), Some(Outgoing::Message { sequence: 2, payload: payload(2) }));
    }

    #[test]
    fn a_place_that_never_was_stops_nothing() {
        for offset in [1, 3 * LARGEST_SLICE, usize::MAX] {
            let mut outbox = outbox(10, usize::MAX);
            outbox.push(Payload("é".repeat(LARGEST_SLICE).into()));
            while outbox.next_outgoing().is_some() {}
            outbox.rewind_into(1, offset);
            assert!(outbox.next_outgoing().is_some(), "{offset}");
        }
    }

    fn slice(outgoing: Outgoing) -> String {
        match outgoing {
            Outgoing::Part(part) => part.slice.to_string(),
            Outgoing::Message { .. } | Outgoing::Gap { .. } => panic!("{outgoing:?} is no part"),
        }
    }

    fn outbox(messages: usize, bytes: usize) -> Outbox {
        Outbox::new(Epoch(1), messages, bytes)
    }

    fn payload(number: u64) -> Payload {
        Payload(number.to_string().into())
    }
}
