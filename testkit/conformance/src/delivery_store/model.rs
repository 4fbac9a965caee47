//! What a delivery store must hold after its changes.

use std::collections::BTreeMap;

use rejoin_core::delivery::durable::{DeliveryKey, PeerRecord, PeerState, Snapshot, StoreChange};
use rejoin_core::{Identity, Payload};

use crate::violation::require;

/// A delivery store in memory.
#[derive(Debug, Default)]
pub(crate) struct Model {
    identity: Option<Identity>,
    states: BTreeMap<DeliveryKey, PeerState>,
    kept: BTreeMap<DeliveryKey, BTreeMap<u64, Payload>>,
}

impl Model {
    pub(crate) fn apply(&mut self, changes: &[StoreChange]) {
        for change in changes {
            match change.clone() {
                StoreChange::Identity(identity) => self.identity = Some(identity),
                StoreChange::StateChanged { delivery_key, state } => {
                    self.states.insert(delivery_key, state);
                }
                StoreChange::Kept { delivery_key, sequence, payload } => {
                    self.kept.entry(delivery_key).or_default().insert(sequence, payload);
                }
                StoreChange::Released { delivery_key, numbers } => {
                    let kept = self.kept.entry(delivery_key).or_default();
                    kept.retain(|number, _| !numbers.contains(number));
                }
                StoreChange::Forgotten { delivery_key } => {
                    self.states.remove(&delivery_key);
                    self.kept.remove(&delivery_key);
                }
            }
        }
    }

    /// Fails unless `loaded` is what this holds, in any order of the peers.
    pub(crate) fn matches(&self, loaded: &Snapshot) -> Result<(), String> {
        require(loaded.identity == self.identity, || {
            format!("expected the identity {:?}, loaded {:?}", self.identity, loaded.identity)
        })?;
        require(loaded.peers.len() == self.states.len(), || {
            format!("expected {} peers, loaded {}", self.states.len(), loaded.peers.len())
        })?;
        for peer in &loaded.peers {
            let expected = self.record(&peer.delivery_key);
            require(expected.as_ref() == Some(peer), || format!("expected {expected:?}, loaded {peer:?}"))?;
        }
        Ok(())
    }

    fn record(&self, delivery_key: &DeliveryKey) -> Option<PeerRecord> {
        let state = self.states.get(delivery_key)?.clone();
        let kept = self.kept.get(delivery_key).cloned().unwrap_or_default().into_iter().collect();
        Some(PeerRecord { delivery_key: delivery_key.clone(), state, kept })
    }
}
