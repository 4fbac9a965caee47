//! What the store knows of one peer, and what it must be told next.

use std::collections::BTreeSet;

use crate::delivery::Outbox;
use crate::delivery::durable::{DeliveryKey, PeerState, StoreChange};

/// What the store was told last.
#[derive(Debug, Default)]
pub struct PersistedState {
    known: Option<(DeliveryKey, PeerState)>,
    /// The numbers of the messages that it has.
    numbers: BTreeSet<u64>,
}

impl PersistedState {
    /// Creates what the store knows when it has just told it.
    pub fn restored(delivery_key: DeliveryKey, note: PeerState, outbox: &Outbox) -> Self {
        let numbers = outbox.kept(0..u64::MAX).map(|(sequence, _)| sequence).collect();
        Self { known: Some((delivery_key, note)), numbers }
    }

    /// Returns the delivery_key under which the store knows the peer; it never changes.
    pub fn delivery_key(&self) -> Option<&DeliveryKey> {
        self.known.as_ref().map(|(delivery_key, _)| delivery_key)
    }

    /// Returns what the store knows of the peer.
    pub fn note(&self) -> Option<&PeerState> {
        self.known.as_ref().map(|(_, note)| note)
    }

    /// Returns what leads from what the store knows to `note` and what `outbox` keeps.
    pub fn changes(
        &mut self,
        delivery_key: &DeliveryKey,
        note: PeerState,
        outbox: &mut Outbox,
    ) -> Vec<StoreChange> {
        let dirty = outbox.take_dirty();
        let dirty = if self.known.is_some() { dirty } else { 0..u64::MAX };
        let mut changes = self.release(delivery_key, outbox.first());
        let kept = outbox.kept(dirty.clone()).map(|(sequence, _)| sequence);
        let stored = self.numbers.range(dirty.start.min(dirty.end)..dirty.end).copied();
        let numbers: BTreeSet<u64> = kept.chain(stored).collect();
        for sequence in numbers {
            let delivery_key = delivery_key.clone();
            match outbox.kept(sequence..sequence.saturating_add(1)).next() {
                Some((_, payload)) => {
                    if self.numbers.insert(sequence) {
                        changes.push(StoreChange::Kept { delivery_key, sequence, payload: payload.clone() });
                    }
                }
                None => {
                    self.numbers.remove(&sequence);
                    changes.push(StoreChange::Released {
                        delivery_key,
                        numbers: sequence..sequence.saturating_add(1),
                    });
                }
            }
        }
        if self.note() != Some(&note) {
            changes.push(StoreChange::Noted { delivery_key: delivery_key.clone(), note: note.clone() });
            self.known = Some((delivery_key.clone(), note));
        }
        changes
    }

    /// Releases everything before `first`, which is how messages go that were acknowledged or dropped.
    fn release(&mut self, delivery_key: &DeliveryKey, first: u64) -> Vec<StoreChange> {
        let Some(oldest) = self.numbers.first().copied().filter(|oldest| *oldest < first) else {
            return Vec::new();
        };
        self.numbers = self.numbers.split_off(&first);
        vec![StoreChange::Released { delivery_key: delivery_key.clone(), numbers: oldest..first }]
    }
}
