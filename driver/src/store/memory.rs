//! `MemoryStore`: a session store without a file.

use async_trait::async_trait;

use rejoin_core::SessionStore;
use rejoin_core::port::StoreError;
use rejoin_core::session::SessionRecord;

/// A session store whose record ends with the process.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    record: Option<SessionRecord>,
}

impl MemoryStore {
    /// Creates a store that holds `record`.
    pub fn with_record(record: SessionRecord) -> Self {
        Self { record: Some(record) }
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn load(&mut self) -> Result<Option<SessionRecord>, StoreError> {
        Ok(self.record.clone())
    }

    async fn save(&mut self, record: &SessionRecord) -> Result<(), StoreError> {
        self.record = Some(record.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rejoin_core::Identity;

    use super::*;

    #[tokio::test]
    async fn returns_the_saved_record() {
        let mut store = MemoryStore::default();
        let record = SessionRecord::new(Identity(7));
        store.save(&record).await.unwrap();
        assert_eq!(store.load().await.unwrap(), Some(record));
    }
}
