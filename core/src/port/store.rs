//! The port that keeps a session across processes.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::session::SessionRecord;

/// Keeps a session across processes.
#[async_trait]
pub trait SessionStore: Debug + Send {
    /// Returns the stored session, or `None` if there is none.
    async fn load(&mut self) -> Result<Option<SessionRecord>, StoreError>;

    /// Stores a session in place of the last one; a crash leaves one of the two whole.
    async fn save(&mut self, record: &SessionRecord) -> Result<(), StoreError>;
}

/// The store failed; the session lives on without it.
#[derive(Debug, thiserror::Error)]
#[error("the session could not be stored: {0}")]
pub struct StoreError(pub String);
