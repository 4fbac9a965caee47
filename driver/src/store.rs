//! Keeps the session: the stores, and the task that spares the driver a slow one.

mod disk;
mod file;
mod mail;
mod memory;

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use rejoin_core::SessionStore;
use rejoin_core::port::StoreError;
use rejoin_core::session::SessionRecord;

pub use file::FileStore;
pub use mail::MailDirectory;
pub use memory::MemoryStore;

/// A session must come up even if its store hangs; a healthy one answers within milliseconds.
const LOAD_LIMIT: Duration = Duration::from_secs(2);

/// Returns what `store` remembers.
pub(crate) async fn recall(store: &mut dyn SessionStore) -> Result<Option<SessionRecord>, StoreError> {
    match timeout(LOAD_LIMIT, store.load()).await {
        Ok(answer) => answer,
        Err(_) => Err(StoreError(format!("the store did not answer within {LOAD_LIMIT:?}"))),
    }
}

/// Saves records in a task of its own; of several that wait, only the latest is saved.
pub(crate) struct Keeper {
    records: watch::Sender<Option<SessionRecord>>,
    failures: mpsc::Receiver<StoreError>,
    task: JoinHandle<()>,
}

/// Failures that nobody has read yet; a store that fails more often than that says nothing new.
const UNREAD_FAILURES: usize = 16;

impl Keeper {
    /// Gives `store` its task.
    pub(crate) fn spawn(store: Box<dyn SessionStore>) -> Self {
        let (records, latest) = watch::channel(None);
        let (sender, failures) = mpsc::channel(UNREAD_FAILURES);
        Self { records, failures, task: tokio::spawn(keep(store, latest, sender)) }
    }

    /// Wants `record` saved in place of every earlier one.
    pub(crate) fn keep(&self, record: SessionRecord) {
        self.records.send_replace(Some(record));
    }

    /// Returns the next failure, or `None` if the task is gone. Cancel-safe.
    pub(crate) async fn next_failure(&mut self) -> Option<StoreError> {
        self.failures.recv().await
    }

    /// Waits until the latest record is saved, at most for `limit`; returns whether it was.
    pub(crate) async fn finish(self, limit: Duration) -> bool {
        let Self { records, failures: _failures, task } = self;
        drop(records);
        timeout(limit, task).await.is_ok()
    }
}

async fn keep(
    mut store: Box<dyn SessionStore>,
    mut latest: watch::Receiver<Option<SessionRecord>>,
    failures: mpsc::Sender<StoreError>,
) {
    while latest.changed().await.is_ok() {
        let Some(record) = latest.borrow_and_update().clone() else { continue };
        if let Err(failure) = store.save(&record).await {
            // A full channel already holds the same news.
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
        let keeper = Keeper::spawn(Box::new(store));
        for identity in 1..=100 {
            keeper.keep(SessionRecord::new(Identity(identity)));
        }
        assert!(keeper.finish(Duration::from_secs(1)).await);
        assert_eq!(saved.recv().await.map(|record| record.identity), Some(Identity(100)));
        assert!(saved.recv().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn does_not_wait_for_a_store_that_hangs() {
        assert!(recall(&mut HangingStore).await.is_err());
        let keeper = Keeper::spawn(Box::new(HangingStore));
        keeper.keep(SessionRecord::new(Identity(1)));
        assert!(!keeper.finish(Duration::from_secs(1)).await);
    }
}
