//! What `--durable` keeps: messages that have not arrived, and how far we have come in what arrives.

use std::path::Path;

use anyhow::{Result, anyhow};
use rejoin_core::id::StreamId;
use rejoin_core::{DeliveryStore as _, delivery::durable::Snapshot};
use rejoin_driver::RedbDeliveryStore;

/// The mail that an earlier process left.
#[derive(Debug)]
pub(crate) struct Mail {
    /// What keeps it from here on.
    pub(crate) store: RedbDeliveryStore,
    left: Snapshot,
}

impl Mail {
    /// Opens the mail in `directory`.
    ///
    /// Unlike a session that is not remembered, mail that cannot be kept is the end: somebody relies on it.
    pub(crate) fn open(directory: &Path) -> Result<Self> {
        let mut store = RedbDeliveryStore::open(directory).map_err(|error| anyhow!(error.0))?;
        let left = store.load().map_err(|error| anyhow!(error.0))?;
        Ok(Self { store, left })
    }

    /// Returns whether mail was exchanged about any of `streams`.
    pub(crate) fn knows_any(&self, mut streams: impl Iterator<Item = StreamId>) -> bool {
        streams.any(|stream| self.left.peers.iter().any(|record| *record.delivery_key.stream() == stream))
    }
}
