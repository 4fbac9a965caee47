//! The built-in delivery store keeps the contract of the port, and each check refuses a store that breaks its rule.

#![allow(clippy::expect_used, reason = "the helpers of tests fail tests")]

use std::sync::Arc;

use rejoin_conformance::Violation;
use rejoin_conformance::delivery_store::{self, Open};
use rejoin_core::Identity;
use rejoin_core::delivery::Cursor;
use rejoin_core::delivery::durable::{Snapshot, StoreChange};
use rejoin_core::port::{ConfirmLog, DeliveryStore, StoreError};
use rejoin_driver::RedbDeliveryStore;
use tempfile::TempDir;

#[test]
fn the_redb_store_keeps_the_contract() {
    let storages = || -> Box<Open<'static>> {
        let directory = directory();
        Box::new(move || Ok(Box::new(redb(&directory)?)))
    };
    assert_eq!(delivery_store::check_all(&storages), []);
}

#[test]
fn refuses_a_new_store_with_content() {
    let load = |mut snapshot: Snapshot| {
        snapshot.identity = Some(Identity(1));
        snapshot
    };
    refused(delivery_store::empty_store_loads_nothing, Flaw { load, ..Flaw::NONE }, "a new store loaded");
}

#[test]
fn refuses_a_store_that_loses_messages() {
    let apply = |change: &StoreChange| !matches!(change, StoreChange::Kept { sequence: 4, .. });
    let flaw = Flaw { apply, ..Flaw::NONE };
    refused(delivery_store::changes_are_loaded_as_they_were_applied, flaw, "expected Some(PeerRecord");
    refused(delivery_store::changes_survive_reopening, flaw, "expected Some(PeerRecord");
}

#[test]
fn refuses_a_store_that_forgets_when_it_is_dropped() {
    let open = || -> Result<Box<dyn DeliveryStore>, StoreError> {
        let directory = directory();
        let inner = redb(&directory)?;
        Ok(Box::new(Broken { inner, flaw: Flaw::NONE, _directory: Some(directory) }))
    };
    let violation = delivery_store::changes_survive_reopening(&open).expect_err("the flaw is found");
    assert!(violation.detail.contains("loaded None"), "{violation}");
}

#[test]
fn refuses_a_release_of_other_numbers() {
    let load = |mut snapshot: Snapshot| {
        snapshot.peers.iter_mut().for_each(|peer| peer.kept.clear());
        snapshot
    };
    let flaw = Flaw { load, ..Flaw::NONE };
    refused(delivery_store::unknown_numbers_may_be_released, flaw, "expected Some(PeerRecord");
}

#[test]
fn refuses_a_store_that_never_forgets() {
    let apply = |change: &StoreChange| !matches!(change, StoreChange::Forgotten { .. });
    refused(
        delivery_store::forgotten_peers_are_gone,
        Flaw { apply, ..Flaw::NONE },
        "a forgotten peer was loaded",
    );
}

#[test]
fn refuses_a_confirm_log_that_records_nothing() {
    let flaw = Flaw { records_confirmations: false, ..Flaw::NONE };
    refused(delivery_store::confirmations_are_loaded, flaw, "confirmed 5");
}

fn refused(check: fn(&Open<'_>) -> Result<(), Violation>, flaw: Flaw, reason: &str) {
    let directory = directory();
    let open = || -> Result<Box<dyn DeliveryStore>, StoreError> {
        Ok(Box::new(Broken { inner: redb(&directory)?, flaw, _directory: None }))
    };
    let violation = check(&open).expect_err("the flaw is found");
    assert!(violation.detail.contains(reason), "{violation}");
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn redb(directory: &TempDir) -> Result<RedbDeliveryStore, StoreError> {
    RedbDeliveryStore::open(directory.path().join("delivery"))
}

/// What a broken store does.
#[derive(Clone, Copy, Debug)]
struct Flaw {
    /// Changes what is loaded.
    load: fn(Snapshot) -> Snapshot,
    /// Returns whether a change is applied.
    apply: fn(&StoreChange) -> bool,
    records_confirmations: bool,
}

impl Flaw {
    const NONE: Self = Self { load: |snapshot| snapshot, apply: |_| true, records_confirmations: true };
}

/// The built-in store with a flaw.
#[derive(Debug)]
struct Broken {
    inner: RedbDeliveryStore,
    flaw: Flaw,
    _directory: Option<TempDir>,
}

impl DeliveryStore for Broken {
    fn load(&mut self) -> Result<Snapshot, StoreError> {
        self.inner.load().map(self.flaw.load)
    }

    fn apply(&mut self, changes: &[StoreChange]) -> Result<(), StoreError> {
        let changes: Vec<StoreChange> =
            changes.iter().filter(|change| (self.flaw.apply)(change)).cloned().collect();
        self.inner.apply(&changes)
    }

    fn confirm_log(&self) -> Option<Arc<dyn ConfirmLog>> {
        if self.flaw.records_confirmations { self.inner.confirm_log() } else { Some(Arc::new(NoLog)) }
    }
}

/// A log that records nothing.
#[derive(Debug)]
struct NoLog;

impl ConfirmLog for NoLog {
    fn record(&self, _: Cursor) -> Result<(), StoreError> {
        Ok(())
    }
}
