//! A mail store that outlives the processes of its node.

use std::collections::BTreeMap;

use rejoin_core::Payload;
use rejoin_core::delivery::durable::{DeliveryKey, PeerRecord, PeerState, StoreChange};

/// By peer: what is known of it, and what is kept for it.
#[derive(Debug, Default)]
pub(crate) struct Store(BTreeMap<DeliveryKey, (Option<PeerState>, BTreeMap<u64, Payload>)>);

impl Store {
    pub(crate) fn apply(&mut self, change: StoreChange) {
        match change {
            StoreChange::Identity(_) => {}
            StoreChange::StateChanged { delivery_key, state } => {
                self.0.entry(delivery_key).or_default().0 = Some(state)
            }
            StoreChange::Kept { delivery_key, sequence, payload } => {
                self.0.entry(delivery_key).or_default().1.insert(sequence, payload);
            }
            StoreChange::Released { delivery_key, numbers } => {
                self.0.entry(delivery_key).or_default().1.retain(|sequence, _| !numbers.contains(sequence));
            }
            StoreChange::Forgotten { delivery_key } => drop(self.0.remove(&delivery_key)),
        }
    }

    /// Returns what a new process is given.
    pub(crate) fn mail(&self) -> Vec<PeerRecord> {
        let known = self
            .0
            .iter()
            .filter_map(|(delivery_key, (state, kept))| Some((delivery_key, state.as_ref()?, kept)));
        known
            .map(|(delivery_key, state, kept)| PeerRecord {
                delivery_key: delivery_key.clone(),
                state: state.clone(),
                kept: kept.iter().map(|(sequence, payload)| (*sequence, payload.clone())).collect(),
            })
            .collect()
    }
}
