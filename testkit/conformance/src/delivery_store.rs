//! Checks of a [`DeliveryStore`].

mod model;

use rejoin_core::delivery::durable::{DeliveryKey, Durability, PeerState, Snapshot, StoreChange};
use rejoin_core::delivery::{Cursor, Epoch};
use rejoin_core::port::{DeliveryStore, StoreError};
use rejoin_core::{Identity, Payload, StreamId};

use crate::delivery_store::model::Model;
use crate::violation::{Violation, named, require};

/// Opens a store; every call that follows the drop of the last store opens the same storage.
pub type Open<'a> = dyn Fn() -> Result<Box<dyn DeliveryStore>, StoreError> + 'a;

/// A check of this module.
type Check = fn(&Open<'_>) -> Result<(), Violation>;

/// Runs every check, each on the storage of one `open` of `storages`, and returns the violations.
///
/// `storages` returns the opener of another empty storage at each call.
pub fn check_all<'a>(storages: &dyn Fn() -> Box<Open<'a>>) -> Vec<Violation> {
    let checks: [Check; 6] = [
        empty_store_loads_nothing,
        changes_are_loaded_as_they_were_applied,
        changes_survive_reopening,
        unknown_numbers_may_be_released,
        forgotten_peers_are_gone,
        confirmations_are_loaded,
    ];
    checks.into_iter().filter_map(|check| check(&storages()).err()).collect()
}

/// Checks that a new store loads an empty snapshot.
pub fn empty_store_loads_nothing(open: &Open<'_>) -> Result<(), Violation> {
    let check = || {
        let loaded = open().and_then(|mut store| store.load()).map_err(text)?;
        require(loaded == Snapshot::default(), || format!("a new store loaded {loaded:?}"))
    };
    named("empty_store_loads_nothing", check())
}

/// Checks that a store loads what many batches of changes lead to, in the order of [`Snapshot::peers`].
pub fn changes_are_loaded_as_they_were_applied(open: &Open<'_>) -> Result<(), Violation> {
    let check = || {
        let (mut store, mut model) = (open().map_err(text)?, Model::default());
        for batch in batches() {
            store.apply(&batch).map_err(text)?;
            model.apply(&batch);
            model.matches(&store.load().map_err(text)?)?;
        }
        Ok(())
    };
    named("changes_are_loaded_as_they_were_applied", check())
}

/// Checks that every batch of changes is there after the store was dropped and opened again.
pub fn changes_survive_reopening(open: &Open<'_>) -> Result<(), Violation> {
    let check = || {
        let mut model = Model::default();
        for batch in batches() {
            open().and_then(|mut store| store.apply(&batch)).map_err(text)?;
            model.apply(&batch);
            model.matches(&open().and_then(|mut store| store.load()).map_err(text)?)?;
        }
        Ok(())
    };
    named("changes_survive_reopening", check())
}

/// Checks that a release of numbers that are not kept changes nothing.
pub fn unknown_numbers_may_be_released(open: &Open<'_>) -> Result<(), Violation> {
    let check = || {
        let (mut store, mut model) = (open().map_err(text)?, Model::default());
        let key = viewer(1);
        let kept = StoreChange::Kept { delivery_key: key.clone(), sequence: 5, payload: payload(5) };
        let first = [StoreChange::StateChanged { delivery_key: key.clone(), state: state(1, 5) }, kept];
        let second = [
            StoreChange::Released { delivery_key: key.clone(), numbers: 0..5 },
            StoreChange::Released { delivery_key: key, numbers: 6..u64::MAX },
        ];
        for batch in [&first[..], &second] {
            store.apply(batch).map_err(text)?;
            model.apply(batch);
            model.matches(&store.load().map_err(text)?)?;
        }
        Ok(())
    };
    named("unknown_numbers_may_be_released", check())
}

/// Checks that a forgotten peer is gone with its messages, also when it is changed again.
pub fn forgotten_peers_are_gone(open: &Open<'_>) -> Result<(), Violation> {
    let check = || {
        let mut store = open().map_err(text)?;
        let key = viewer(1);
        let changed =
            |newest| StoreChange::StateChanged { delivery_key: key.clone(), state: state(1, newest) };
        let kept = StoreChange::Kept { delivery_key: key.clone(), sequence: 1, payload: payload(1) };
        store.apply(&[changed(1), kept]).map_err(text)?;
        store.apply(&[StoreChange::Forgotten { delivery_key: key.clone() }]).map_err(text)?;
        let loaded = store.load().map_err(text)?;
        require(loaded.peers.is_empty(), || format!("a forgotten peer was loaded: {loaded:?}"))?;
        store.apply(&[changed(2)]).map_err(text)?;
        let loaded = store.load().map_err(text)?;
        let clean = loaded.peers.iter().all(|peer| peer.kept.is_empty());
        require(clean, || format!("messages of a forgotten peer were loaded: {loaded:?}"))
    };
    named("forgotten_peers_are_gone", check())
}

/// Checks that what the [`ConfirmLog`](rejoin_core::port::ConfirmLog) recorded is loaded, if the store has one.
pub fn confirmations_are_loaded(open: &Open<'_>) -> Result<(), Violation> {
    let check = || {
        let mut store = open().map_err(text)?;
        let mut state = state(1, 0);
        state.received = Some(Cursor { epoch: Epoch(77), sequence: 3 });
        store.apply(&[StoreChange::StateChanged { delivery_key: viewer(1), state }]).map_err(text)?;
        let Some(log) = store.confirm_log() else { return Ok(()) };
        for (confirmed, expected) in [(5, 5), (9, 9)] {
            log.record(Cursor { epoch: Epoch(77), sequence: confirmed }).map_err(text)?;
            log.record(Cursor { epoch: Epoch(78), sequence: 100 }).map_err(text)?;
            let loaded = store.load().map_err(text)?;
            let received = loaded.peers.first().and_then(|peer| peer.state.received);
            require(received == Some(Cursor { epoch: Epoch(77), sequence: expected }), || {
                format!("confirmed {confirmed}, loaded {received:?}")
            })?;
        }
        Ok(())
    };
    named("confirmations_are_loaded", check())
}

/// Returns batches of changes of several peers, of every kind.
fn batches() -> Vec<Vec<StoreChange>> {
    let peers = [viewer(1), viewer(2), DeliveryKey::Publisher { stream: StreamId("camera".into()) }];
    let mut batches = vec![vec![StoreChange::Identity(Identity(42))], Vec::new()];
    for round in 1..=4_u64 {
        for (number, delivery_key) in (1..).zip(&peers) {
            let kept = (0..3).map(|offset| StoreChange::Kept {
                delivery_key: delivery_key.clone(),
                sequence: 3 * round + offset,
                payload: payload(100 * number + offset),
            });
            let changed = StoreChange::StateChanged {
                delivery_key: delivery_key.clone(),
                state: state(number, 3 * round + 2),
            };
            batches.push([changed].into_iter().chain(kept).collect());
        }
        let delivery_key = peers[(round % 3) as usize].clone();
        let numbers = 0..3 * round - 1;
        batches.push(vec![StoreChange::Released { delivery_key, numbers }]);
    }
    batches.push(vec![StoreChange::Forgotten { delivery_key: peers[1].clone() }]);
    batches.push(vec![StoreChange::Identity(Identity(43))]);
    batches
}

fn viewer(number: u128) -> DeliveryKey {
    DeliveryKey::Viewer { identity: Identity(number), stream: StreamId("camera".into()) }
}

fn payload(number: u64) -> Payload {
    Payload(format!("{{\"number\":{number},\"text\":\"ü \\\" 😀\"}}").into())
}

fn state(number: u64, newest: u64) -> PeerState {
    PeerState {
        identity: Some(Identity(u128::from(number))),
        label: number.is_multiple_of(2).then(|| format!("label {number}")),
        durability: if number.is_multiple_of(2) { Durability::Durable } else { Durability::InMemory },
        epoch: Epoch(u64::MAX - number),
        newest,
        acknowledged: newest / 2,
        received: (number != 1).then_some(Cursor { epoch: Epoch(number), sequence: newest }),
    }
}

fn text(error: StoreError) -> String {
    error.to_string()
}
