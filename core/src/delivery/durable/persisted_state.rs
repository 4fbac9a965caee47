//! What the store has of one peer, and the changes that bring it up to date.

use std::collections::BTreeSet;

use crate::delivery::durable::{DeliveryKey, PeerState, StoreChange};
use crate::delivery::outbox::Outbox;

/// What the store has of one peer.
#[derive(Debug, Default)]
pub(crate) struct PersistedState {
    known: Option<(DeliveryKey, PeerState)>,
    /// The numbers of the messages in it.
    numbers: BTreeSet<u64>,
}

impl PersistedState {
    /// Creates the state of a store that has just been read.
    pub(crate) fn restored(delivery_key: DeliveryKey, state: PeerState, outbox: &Outbox) -> Self {
        let numbers = outbox.kept(0..u64::MAX).map(|(sequence, _)| sequence).collect();
        Self { known: Some((delivery_key, state)), numbers }
    }

    /// Returns the key under which the store has the peer; it never changes.
    pub(crate) fn delivery_key(&self) -> Option<&DeliveryKey> {
        self.known.as_ref().map(|(delivery_key, _)| delivery_key)
    }

    /// Returns what the store has of the peer.
    pub(crate) fn state(&self) -> Option<&PeerState> {
        self.known.as_ref().map(|(_, state)| state)
    }

    /// Returns the changes that lead from what the store has to `state` and to the messages in `outbox`.
    pub(crate) fn changes(
        &mut self,
        delivery_key: &DeliveryKey,
        state: PeerState,
        outbox: &mut Outbox,
    ) -> Vec<StoreChange> {
        let dirty = outbox.take_dirty();
        let dirty = if self.known.is_some() { dirty } else { 0..u64::MAX };
        let mut changes = self.release(delivery_key, outbox.first_kept());
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
        if self.state() != Some(&state) {
            changes
                .push(StoreChange::StateChanged { delivery_key: delivery_key.clone(), state: state.clone() });
            self.known = Some((delivery_key.clone(), state));
        }
        changes
    }

    /// Releases everything before `first`: messages are acknowledged and dropped from the front.
    fn release(&mut self, delivery_key: &DeliveryKey, first: u64) -> Vec<StoreChange> {
        let Some(oldest) = self.numbers.first().copied().filter(|oldest| *oldest < first) else {
            return Vec::new();
        };
        self.numbers = self.numbers.split_off(&first);
        vec![StoreChange::Released { delivery_key: delivery_key.clone(), numbers: oldest..first }]
    }
}
