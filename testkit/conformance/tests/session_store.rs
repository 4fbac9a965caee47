//! The built-in session stores keep the contract of the port, and each check refuses a store that breaks its rule.

#![allow(clippy::expect_used, reason = "the helpers of tests fail tests")]

use async_trait::async_trait;
use rejoin_conformance::session_store;
use rejoin_core::port::{SessionStore, StoreError};
use rejoin_core::session::SessionRecord;
use rejoin_core::{Identity, StreamId};
use rejoin_driver::{FileStore, MemoryStore};

#[tokio::test]
async fn the_memory_store_keeps_the_contract() {
    let open = || -> Result<Box<dyn SessionStore>, StoreError> { Ok(Box::new(MemoryStore::default())) };
    assert_eq!(session_store::check_all(&open).await, []);
}

#[tokio::test]
async fn the_file_store_keeps_the_contract() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("session.json");
    let open = || FileStore::open(&path).map(|store| Box::new(store) as Box<dyn SessionStore>);
    assert_eq!(session_store::check_all(&open).await, []);
    assert_eq!(session_store::save_survives_reopening(&open).await, Ok(()));
}

#[tokio::test]
async fn refuses_an_empty_store_with_a_record() {
    let open = || -> Result<Box<dyn SessionStore>, StoreError> {
        Ok(Box::new(MemoryStore::with_record(SessionRecord::new(Identity(1)))))
    };
    let violation = session_store::empty_store_loads_none(&open).await.expect_err("the flaw is found");
    assert!(violation.detail.contains("an empty store loaded"), "{violation}");
}

#[tokio::test]
async fn refuses_a_store_that_keeps_the_first_record() {
    let open = open(|store, record| {
        store.record.get_or_insert(record);
    });
    let violation = session_store::last_save_is_loaded(&open).await.expect_err("the flaw is found");
    assert!(violation.detail.contains("loaded"), "{violation}");
}

#[tokio::test]
async fn refuses_a_store_that_loses_a_field() {
    let open = open(|store, record| store.record = Some(SessionRecord { audience: None, ..record }));
    let violation = session_store::every_field_is_loaded(&open).await.expect_err("the flaw is found");
    assert!(violation.detail.contains("audience: None"), "{violation}");
}

#[tokio::test]
async fn refuses_a_store_that_a_dropped_save_leaves_half_written() {
    let violation = session_store::dropped_save_leaves_a_whole_record(&half_written).await;
    let violation = violation.expect_err("the flaw is found");
    assert!(violation.detail.contains("a dropped save of"), "{violation}");
}

#[tokio::test]
async fn refuses_a_store_that_forgets_when_it_is_dropped() {
    let open = open(|store, record| store.record = Some(record));
    let violation = session_store::save_survives_reopening(&open).await.expect_err("the flaw is found");
    assert!(violation.detail.contains("reopened None"), "{violation}");
}

fn half_written() -> Result<Box<dyn SessionStore>, StoreError> {
    Ok(Box::new(Broken { record: None, is_slow: true, save: |store, record| store.record = Some(record) }))
}

fn open(
    save: fn(&mut Broken, SessionRecord),
) -> impl Fn() -> Result<Box<dyn SessionStore>, StoreError> + Sync {
    move || Ok(Box::new(Broken { record: None, is_slow: false, save }))
}

/// A store in memory that saves as a test wants.
#[derive(Debug)]
struct Broken {
    record: Option<SessionRecord>,
    /// Whether it writes the record in two steps, with a pause between them.
    is_slow: bool,
    save: fn(&mut Self, SessionRecord),
}

#[async_trait]
impl SessionStore for Broken {
    async fn load(&mut self) -> Result<Option<SessionRecord>, StoreError> {
        Ok(self.record.clone())
    }

    async fn save(&mut self, record: &SessionRecord) -> Result<(), StoreError> {
        if self.is_slow {
            let views = vec![StreamId("half".into())];
            self.record = Some(SessionRecord { views, ..record.clone() });
            tokio::task::yield_now().await;
        }
        (self.save)(self, record.clone());
        Ok(())
    }
}
