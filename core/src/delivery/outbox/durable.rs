//! What a store reads from an outbox, and how the outbox is restored in another process.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::delivery::durable::PeerState;
use crate::delivery::outbox::{Outbox, SendPosition};
use crate::message::Payload;

impl Outbox {
    /// Restores stored messages with their epoch and numbers, within the bounds of `self`.
    pub(crate) fn restored(self, state: &PeerState, kept: Vec<(u64, Payload)>) -> Self {
        let kept: BTreeMap<u64, Payload> = kept.into_iter().collect();
        let highest = kept.last_key_value().map_or(0, |(sequence, _)| *sequence);
        Self {
            epoch: state.epoch,
            bytes: kept.values().map(Payload::len).sum(),
            kept,
            newest: state.newest.max(highest).max(state.acknowledged),
            next: SendPosition { sequence: 1, offset: 0 },
            announced: state.acknowledged,
            acknowledged: state.acknowledged,
            ..self
        }
    }

    /// Records that a message was inserted, or removed from the middle.
    pub(super) fn mark_dirty(&mut self, sequence: u64) {
        let Range { start, end } = self.dirty.clone();
        let behind = sequence.saturating_add(1);
        self.dirty = if start < end { start.min(sequence)..end.max(behind) } else { sequence..behind };
    }

    /// Returns the range of numbers that were inserted, or removed from the middle, since the last call.
    pub(crate) fn take_dirty(&mut self) -> Range<u64> {
        std::mem::replace(&mut self.dirty, 0..0)
    }

    /// Returns the number of the newest message that was ever kept; 0 before the first.
    pub(crate) fn newest(&self) -> u64 {
        self.newest
    }

    /// Returns the number up to which the peer has acknowledged everything.
    pub(crate) fn acked_through(&self) -> u64 {
        self.acknowledged
    }

    /// Returns the number of the first message that is kept, or of the next one if none is.
    pub(crate) fn first_kept(&self) -> u64 {
        self.kept.first_key_value().map_or(self.newest + 1, |(sequence, _)| *sequence)
    }

    /// Returns the messages that are kept under these numbers, in order.
    pub(crate) fn kept(&self, numbers: Range<u64>) -> impl Iterator<Item = (u64, &Payload)> {
        let end = numbers.end;
        let kept = self.kept.range(numbers.start.min(end)..end);
        kept.map(|(sequence, payload)| (*sequence, payload))
    }
}
