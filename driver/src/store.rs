//! The stores, and the task that saves session records so that the driver never waits for a slow store.

mod delivery;
mod disk;
mod file;
mod memory;

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use rejoin_core::SessionStore;
use rejoin_core::port::StoreError;
use rejoin_core::session::SessionRecord;

pub use delivery::RedbDeliveryStore;
pub use file::FileStore;
pub use memory::MemoryStore;

/// A session must start even if its store hangs; a working store answers within milliseconds.
const LOAD_TIMEOUT: Duration = Duration::from_secs(2);

/// Loads the record of `store`.
pub(crate) async fn load_record(store: &mut dyn SessionStore) -> Result<Option<SessionRecord>, StoreError> {
    match timeout(LOAD_TIMEOUT, store.load()).await {
        Ok(answer) => answer,
        Err(_) => Err(StoreError(format!("the store did not answer within {LOAD_TIMEOUT:?}"))),
    }
}

/// Saves records in a separate task; of several that wait, only the latest is saved.
pub(crate) struct SessionSaver {
    records: watch::Sender<Option<SessionRecord>>,
    failures: mpsc::Receiver<StoreError>,
    task: JoinHandle<()>,
}

/// Unread failures; further failures of the same store carry no new information.
const MAX_UNREAD_FAILURES: usize = 16;

impl SessionSaver {
    /// Starts the task that owns `store`.
    pub(crate) fn spawn(store: Box<dyn SessionStore>) -> Self {
        let (records, latest) = watch::channel(None);
        let (sender, failures) = mpsc::channel(MAX_UNREAD_FAILURES);
        Self { records, failures, task: tokio::spawn(save_latest(store, latest, sender)) }
    }

    /// Saves `record` in place of every earlier one.
    pub(crate) fn save(&self, record: SessionRecord) {
        self.records.send_replace(Some(record));
    }

    /// Returns the next failure, or `None` if the task has ended. Cancel-safe.
    pub(crate) async fn next_failure(&mut self) -> Option<StoreError> {
        self.failures.recv().await
    }

    /// Waits until the latest record is saved, for `save_timeout` at most; returns whether it was.
    pub(crate) async fn finish(self, save_timeout: Duration) -> bool {
        let Self { records, failures: _failures, task } = self;
        drop(records);
        timeout(save_timeout, task).await.is_ok()
    }
}

async fn save_latest(
    mut store: Box<dyn SessionStore>,
    mut latest: watch::Receiver<Option<SessionRecord>>,
    failures: mpsc::Sender<StoreError>,
) {
    while latest.changed().await.is_ok() {
        let Some(record) = latest.borrow_and_update().clone() else { continue };
        if let Err(failure) = store.save(&record).await {
            // A full channel already holds a failure of this store.
            let _ = failures.try_send(failure);
        }
    }
}

#[cfg(test)]
pub(crate) mod fakes;

#[cfg(test)]
mod tests {
    use rejoin_core::Identity;

    use super::fakes::{HangingStore, SlowStore};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn saves_only_the_latest_of_waiting_records() {
        let (store, mut saved) = SlowStore::taking(Duration::from_millis(10));
        let saver = SessionSaver::spawn(Box::new(store));
        for identity in 1..=100 {
            saver.save(SessionRecord::new(Identity(identity)));
        }
        assert!(saver.finish(Duration::from_secs(1)).await);
        assert_eq!(saved.recv().await.map(|record| record.identity), Some(Identity(100)));
        assert!(saved.recv().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn does_not_wait_for_a_store_that_hangs() {
        assert!(load_record(&mut HangingStore).await.is_err());
        let saver = SessionSaver::spawn(Box::new(HangingStore));
        saver.save(SessionRecord::new(Identity(1)));
        assert!(!saver.finish(Duration::from_secs(1)).await);
    }
}
