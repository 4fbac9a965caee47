//! Checks of a [`SessionStore`].

use std::sync::Arc;

use futures_util::FutureExt as _;
use rejoin_core::id::RoomId;
use rejoin_core::port::{SessionStore, StoreError};
use rejoin_core::session::{SessionRecord, ViewAll, ViewerRecord};
use rejoin_core::{Identity, StreamId};

use crate::violation::{Violation, named, require};

/// Opens a store; every call that follows the drop of the last store opens the same storage.
pub type Open<'a> = dyn Fn() -> Result<Box<dyn SessionStore>, StoreError> + Sync + 'a;

/// Runs every check that each store must pass, one after another, and returns the violations.
///
/// The storage is empty at the start. [`save_survives_reopening`] is apart, because a store in memory need not.
pub async fn check_all(open: &Open<'_>) -> Vec<Violation> {
    let results = [
        empty_store_loads_none(open).await,
        last_save_is_loaded(open).await,
        every_field_is_loaded(open).await,
        dropped_save_leaves_a_whole_record(open).await,
    ];
    results.into_iter().filter_map(Result::err).collect()
}

/// Checks that a store without a session loads `None`.
pub async fn empty_store_loads_none(open: &Open<'_>) -> Result<(), Violation> {
    let check = async {
        let loaded = load(open().map_err(text)?.as_mut()).await?;
        require(loaded.is_none(), || format!("an empty store loaded {loaded:?}"))
    };
    named("empty_store_loads_none", check.await)
}

/// Checks that `load` returns the record of the last `save`, as often as it is called.
pub async fn last_save_is_loaded(open: &Open<'_>) -> Result<(), Violation> {
    let check = async {
        let mut store = open().map_err(text)?;
        for number in 1..=3 {
            let record = record(number);
            store.save(&record).await.map_err(text)?;
            for _ in 0..2 {
                let loaded = load(store.as_mut()).await?;
                require(loaded.as_ref() == Some(&record), || format!("saved {record:?}, loaded {loaded:?}"))?;
            }
        }
        Ok(())
    };
    named("last_save_is_loaded", check.await)
}

/// Checks that no field of a record is lost, whether it is filled or empty.
pub async fn every_field_is_loaded(open: &Open<'_>) -> Result<(), Violation> {
    let check = async {
        let mut store = open().map_err(text)?;
        for record in [full_record(), SessionRecord::new(Identity(u128::MAX)), full_record()] {
            store.save(&record).await.map_err(text)?;
            let loaded = load(store.as_mut()).await?;
            require(loaded.as_ref() == Some(&record), || format!("saved {record:?}, loaded {loaded:?}"))?;
        }
        Ok(())
    };
    named("every_field_is_loaded", check.await)
}

/// Checks that dropping the future of a `save` leaves the record of before or the new one, and that a later save
/// always stays.
pub async fn dropped_save_leaves_a_whole_record(open: &Open<'_>) -> Result<(), Violation> {
    let check = async {
        let mut store = open().map_err(text)?;
        store.save(&record(1)).await.map_err(text)?;
        for number in 2..20 {
            let (before, new) = (record(number - 1), record(number));
            // Polled once and dropped.
            let _ = store.save(&new).now_or_never();
            let loaded = load(store.as_mut()).await?;
            let whole = loaded.as_ref() == Some(&before) || loaded.as_ref() == Some(&new);
            require(whole, || format!("a dropped save of {new:?} left {loaded:?}"))?;
            store.save(&new).await.map_err(text)?;
            let loaded = load(store.as_mut()).await?;
            require(loaded.as_ref() == Some(&new), || {
                format!("a dropped save replaced a later one: {loaded:?}")
            })?;
        }
        Ok(())
    };
    named("dropped_save_leaves_a_whole_record", check.await)
}

/// Checks that the last record is there after the store was dropped and opened again.
pub async fn save_survives_reopening(open: &Open<'_>) -> Result<(), Violation> {
    let check = async {
        for record in [record(1), full_record()] {
            open().map_err(text)?.save(&record).await.map_err(text)?;
            let loaded = load(open().map_err(text)?.as_mut()).await?;
            require(loaded.as_ref() == Some(&record), || format!("saved {record:?}, reopened {loaded:?}"))?;
        }
        Ok(())
    };
    named("save_survives_reopening", check.await)
}

async fn load(store: &mut dyn SessionStore) -> Result<Option<SessionRecord>, String> {
    store.load().await.map_err(text)
}

fn text(error: StoreError) -> String {
    error.to_string()
}

fn record(number: u128) -> SessionRecord {
    let mut record = SessionRecord::new(Identity(number));
    record.views = vec![StreamId(format!("stream{number}").into())];
    record
}

fn full_record() -> SessionRecord {
    let mut record = record(9);
    record.room = Some(RoomId("room with \"quotes\" and ünicode".into()));
    record.audience = Some(ViewAll { except: Some(StreamId("excepted".into())) });
    record.streams = vec![StreamId("published".into()), StreamId("другой".into())];
    record.viewers = (0..3)
        .map(|number| ViewerRecord {
            name: Arc::from(format!("viewer {number}")),
            identity: Identity(number),
            stream: StreamId("published".into()),
        })
        .collect();
    record
}
