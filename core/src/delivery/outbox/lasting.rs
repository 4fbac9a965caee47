//! The side of an outbox that a store sees: what is in it, and how it comes back in another process.

use std::ops::Range;

use crate::delivery::Outbox;
use crate::delivery::durable::PeerState;
use crate::delivery::outbox::SendPosition;
use crate::message::Payload;

impl Outbox {
    /// Brings back what a store has kept: the same epoch, numbers and messages. The bounds are those of `self`.
    pub fn restored(self, note: &PeerState, kept: Vec<(u64, Payload)>) -> Self {
        let kept: std::collections::BTreeMap<u64, Payload> = kept.into_iter().collect();
        let highest = kept.last_key_value().map_or(0, |(sequence, _)| *sequence);
        Self {
            epoch: note.epoch,
            bytes: kept.values().map(Payload::len).sum(),
            kept,
            newest: note.newest.max(highest).max(note.acknowledged),
            next: SendPosition { sequence: 1, offset: 0 },
            told: note.acknowledged,
            acknowledged: note.acknowledged,
            ..self
        }
    }

    /// Notes that a message came or went in the middle of what is kept.
    pub(super) fn touch(&mut self, sequence: u64) {
        let Range { start, end } = self.dirty.clone();
        let behind = sequence.saturating_add(1);
        self.dirty = if start < end { start.min(sequence)..end.max(behind) } else { sequence..behind };
    }

    /// Returns between which numbers messages have come, or have gone from the middle, since the last call.
    pub fn take_dirty(&mut self) -> Range<u64> {
        std::mem::replace(&mut self.dirty, 0..0)
    }

    /// Returns the number of the newest message that was ever kept; 0 before the first.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// Returns the number up to which the peer has everything.
    pub fn through(&self) -> u64 {
        self.acknowledged
    }

    /// Returns the number of the first message that is kept, or that of the next one to come.
    pub fn first(&self) -> u64 {
        self.kept.first_key_value().map_or(self.newest + 1, |(sequence, _)| *sequence)
    }

    /// Returns what is kept under these numbers, in order.
    pub fn kept(&self, numbers: Range<u64>) -> impl Iterator<Item = (u64, &Payload)> {
        let end = numbers.end;
        let kept = self.kept.range(numbers.start.min(end)..end);
        kept.map(|(sequence, payload)| (*sequence, payload))
    }
}
