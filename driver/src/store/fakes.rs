//! Stores that are slow, hang or fail.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use rejoin_core::SessionStore;
use rejoin_core::port::StoreError;
use rejoin_core::session::SessionRecord;

/// A store that takes a fixed time and reports the records it saved.
#[derive(Debug)]
pub(crate) struct SlowStore {
    takes: Duration,
    saved: UnboundedSender<SessionRecord>,
}

impl SlowStore {
    pub(crate) fn taking(takes: Duration) -> (Self, UnboundedReceiver<SessionRecord>) {
        let (saved, receiver) = unbounded_channel();
        (Self { takes, saved }, receiver)
    }
}

#[async_trait]
impl SessionStore for SlowStore {
    async fn load(&mut self) -> Result<Option<SessionRecord>, StoreError> {
        Ok(None)
    }

    async fn save(&mut self, record: &SessionRecord) -> Result<(), StoreError> {
        tokio::time::sleep(self.takes).await; // every user of this store pauses the clock
        let _ = self.saved.send(record.clone());
        Ok(())
    }
}

/// A store that never answers.
#[derive(Debug)]
pub(crate) struct HangingStore;

#[async_trait]
impl SessionStore for HangingStore {
    async fn load(&mut self) -> Result<Option<SessionRecord>, StoreError> {
        std::future::pending().await
    }

    async fn save(&mut self, _: &SessionRecord) -> Result<(), StoreError> {
        std::future::pending().await
    }
}

/// A store on a full disk.
#[derive(Debug)]
pub(crate) struct FullStore;

#[async_trait]
impl SessionStore for FullStore {
    async fn load(&mut self) -> Result<Option<SessionRecord>, StoreError> {
        Err(StoreError("the disk is unreadable".to_owned()))
    }

    async fn save(&mut self, _: &SessionRecord) -> Result<(), StoreError> {
        Err(StoreError("the disk is full".to_owned()))
    }
}
