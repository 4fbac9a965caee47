//! The delivery store of `--durable`.

use std::path::Path;

use anyhow::{Result, anyhow};
use rejoin::id::StreamId;
use rejoin::{DeliveryStore as _, RedbDeliveryStore, delivery};

/// The delivery store, and its content at the start.
#[derive(Debug)]
pub(crate) struct DurableMessages {
    /// The store.
    pub(crate) store: RedbDeliveryStore,
    snapshot: delivery::durable::Snapshot,
}

impl DurableMessages {
    /// Opens the store in `directory`.
    ///
    /// # Errors
    /// Fails if the store cannot be used; unlike a missing session file this ends the program, which would lose messages.
    pub(crate) fn open(directory: &Path) -> Result<Self> {
        let mut store = RedbDeliveryStore::open(directory).map_err(|error| anyhow!(error.0))?;
        let snapshot = store.load().map_err(|error| anyhow!(error.0))?;
        Ok(Self { store, snapshot })
    }

    /// Returns whether the store knows a peer of any of `streams`.
    pub(crate) fn has_peer_of_any(&self, mut streams: impl Iterator<Item = StreamId>) -> bool {
        streams.any(|stream| self.snapshot.peers.iter().any(|record| *record.delivery_key.stream() == stream))
    }
}
