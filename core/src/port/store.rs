//! The port that keeps a session across processes.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::session::SessionRecord;

/// Keeps a session across processes.
#[async_trait]
pub trait SessionStore: Debug + Send {
    /// Returns the record of the last save, or `None` if there is none.
    ///
    /// # Errors
    /// Fails if the storage cannot be read.
    async fn load(&mut self) -> Result<Option<SessionRecord>, StoreError>;

    /// Stores a record in place of the last one.
    ///
    /// A crash, or dropping the future, leaves one of the two whole; a later save always stays.
    ///
    /// # Errors
    /// Fails if the storage cannot be written; the last record stays then.
    async fn save(&mut self, record: &SessionRecord) -> Result<(), StoreError>;
}

/// The store failed; the session goes on without it.
#[derive(Debug, thiserror::Error)]
#[error("the session could not be stored: {0}")]
pub struct StoreError(pub String);
