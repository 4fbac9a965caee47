//! The row of a peer in the database: a text key and a JSON value.

use serde::{Deserialize, Serialize};

use rejoin_core::delivery::durable::{DeliveryKey, Durability, PeerState};
use rejoin_core::delivery::{Cursor, Epoch};
use rejoin_core::id::{Identity, StreamId};

/// The stored state of a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    identity: Option<Identity>,
    label: Option<String>,
    durable: bool,
    epoch: u64,
    newest: u64,
    acknowledged: u64,
    received: Option<(u64, u64)>,
    /// When the peer was last seen, in seconds since 1970.
    #[serde(rename = "heard")]
    pub(super) last_seen: u64,
}

impl Row {
    /// Creates the row of a state that is stored at `now`, in place of `old`.
    pub(super) fn new(state: &PeerState, old: Option<&Self>, now: u64) -> Self {
        let row = Self {
            identity: state.identity,
            label: state.label.clone(),
            durable: state.durability == Durability::Durable,
            epoch: state.epoch.0,
            newest: state.newest,
            acknowledged: state.acknowledged,
            received: state.received.map(|cursor| (cursor.epoch.0, cursor.sequence)),
            last_seen: now,
        };
        // A message that we accept for an absent peer does not mean that the peer was seen.
        match old {
            Some(old) if (Self { newest: old.newest, last_seen: old.last_seen, ..row.clone() }) == *old => {
                Self { last_seen: old.last_seen, ..row }
            }
            Some(_) | None => row,
        }
    }

    /// Returns the state.
    pub(super) fn peer_state(self) -> PeerState {
        PeerState {
            identity: self.identity,
            label: self.label,
            durability: if self.durable { Durability::Durable } else { Durability::InMemory },
            epoch: Epoch(self.epoch),
            newest: self.newest,
            acknowledged: self.acknowledged,
            received: self.received.map(|(epoch, sequence)| Cursor { epoch: Epoch(epoch), sequence }),
        }
    }
}

/// Returns the key of a peer's row.
pub(super) fn key(delivery_key: &DeliveryKey) -> String {
    match delivery_key {
        DeliveryKey::Viewer { identity, stream } => format!("viewer {identity} {stream}"),
        DeliveryKey::Publisher { stream } => format!("publisher {stream}"),
    }
}

/// Returns the peer of a row's key.
pub(super) fn address(key: &str) -> Option<DeliveryKey> {
    if let Some(stream) = key.strip_prefix("publisher ") {
        return Some(DeliveryKey::Publisher { stream: StreamId(stream.into()) });
    }
    let (identity, stream) = key.strip_prefix("viewer ")?.split_once(' ')?;
    Some(DeliveryKey::Viewer { identity: identity.parse().ok()?, stream: StreamId(stream.into()) })
}
