//! What the database holds of one peer: a key of text and a value of JSON.

use serde::{Deserialize, Serialize};

use rejoin_core::delivery::{Cursor, Epoch};
use rejoin_core::id::{Identity, StreamId};
use rejoin_core::mail::{Address, Memory, PeerNote};

/// What is known of a peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    identity: Option<Identity>,
    label: Option<String>,
    durable: bool,
    epoch: u64,
    newest: u64,
    acknowledged: u64,
    received: Option<(u64, u64)>,
    /// When it was last heard of, in seconds since 1970.
    pub(super) heard: u64,
}

impl Row {
    /// Creates the row of a note that is taken at `now`, in place of `old`.
    pub(super) fn new(note: &PeerNote, old: Option<&Self>, now: u64) -> Self {
        let row = Self {
            identity: note.identity,
            label: note.label.clone(),
            durable: note.memory == Memory::Restarts,
            epoch: note.epoch.0,
            newest: note.newest,
            acknowledged: note.acknowledged,
            received: note.received.map(|cursor| (cursor.epoch.0, cursor.sequence)),
            heard: now,
        };
        // what is accepted for an absent peer is no word of it
        match old {
            Some(old) if (Self { newest: old.newest, heard: old.heard, ..row.clone() }) == *old => {
                Self { heard: old.heard, ..row }
            }
            Some(_) | None => row,
        }
    }

    /// Returns what is known.
    pub(super) fn note(self) -> PeerNote {
        PeerNote {
            identity: self.identity,
            label: self.label,
            memory: if self.durable { Memory::Restarts } else { Memory::Process },
            epoch: Epoch(self.epoch),
            newest: self.newest,
            acknowledged: self.acknowledged,
            received: self.received.map(|(epoch, sequence)| Cursor { epoch: Epoch(epoch), sequence }),
        }
    }
}

/// Returns the key of a peer.
pub(super) fn key(address: &Address) -> String {
    match address {
        Address::Viewer { identity, stream } => format!("viewer {identity} {stream}"),
        Address::Publisher { stream } => format!("publisher {stream}"),
    }
}

/// Returns the peer of a key.
pub(super) fn address(key: &str) -> Option<Address> {
    if let Some(stream) = key.strip_prefix("publisher ") {
        return Some(Address::Publisher { stream: StreamId(stream.into()) });
    }
    let (identity, stream) = key.strip_prefix("viewer ")?.split_once(' ')?;
    Some(Address::Viewer { identity: identity.parse().ok()?, stream: StreamId(stream.into()) })
}
