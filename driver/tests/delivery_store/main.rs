//! The delivery store: its content, its lock, and crashes.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test")]

#[cfg(unix)]
mod killed;
#[path = "../support/kills.rs"]
mod kills;

use std::fs;
use std::path::PathBuf;

use redb::ReadableTable as _;
use tempfile::TempDir;

use rejoin_core::delivery::durable::{DeliveryKey, Durability, PeerRecord, PeerState, Snapshot, StoreChange};
use rejoin_core::delivery::{Cursor, Epoch};
use rejoin_core::id::{Identity, StreamId};
use rejoin_core::port::StoreError;
use rejoin_core::{DeliveryStore, Payload};
use rejoin_driver::RedbDeliveryStore;

#[test]
fn a_new_directory_holds_nothing() {
    let folder = Folder::new();
    assert_eq!(folder.open().load().unwrap(), Snapshot::default());
}

#[test]
fn messages_survive_their_store() {
    let folder = Folder::new();
    let (one, other) = (viewer(1), DeliveryKey::Publisher { stream: StreamId("a b \"ö\"".into()) });
    let mut store = folder.open();
    let mut changes = vec![StoreChange::Identity(Identity(9))];
    for delivery_key in [&one, &other] {
        changes.extend([kept(delivery_key, 1), kept(delivery_key, 2), changed(delivery_key, 2)]);
    }
    store.apply(&changes).unwrap();
    drop(store);
    let record = |delivery_key: DeliveryKey| PeerRecord {
        delivery_key,
        state: peer_state(2),
        kept: vec![(1, payload(1)), (2, payload(2))],
    };
    let expected = Snapshot { identity: Some(Identity(9)), peers: vec![record(other), record(one)] };
    assert_eq!(folder.open().load().unwrap(), expected);
}

#[test]
fn released_messages_are_removed_and_the_rest_stays() {
    let folder = Folder::new();
    let mut store = folder.open();
    for delivery_key in [viewer(1), viewer(2)] {
        store.apply(&(1..=9).map(|number| kept(&delivery_key, number)).collect::<Vec<_>>()).unwrap();
        store.apply(&[changed(&delivery_key, 9)]).unwrap();
    }
    store.apply(&[StoreChange::Released { delivery_key: viewer(1), numbers: 1..6 }]).unwrap();
    store.apply(&[StoreChange::Forgotten { delivery_key: viewer(2) }]).unwrap();
    let [left] = &store.load().unwrap().peers[..] else { panic!("not one peer is left") };
    assert_eq!(left.delivery_key, viewer(1));
    assert_eq!(left.kept.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [6, 7, 8, 9]);
}

#[test]
fn a_second_store_is_refused_while_the_first_lives() {
    let folder = Folder::new();
    let first = folder.open();
    let refusal = RedbDeliveryStore::open(folder.mail()).unwrap_err();
    assert_says(&refusal, &["mail.redb", "in use by another session", "choose another place"]);
    drop(first);
    folder.open();
}

#[test]
fn a_directory_that_cannot_be_created_is_named() {
    let folder = Folder::new();
    let refusal = RedbDeliveryStore::open(folder.directory.path().join("absent/mail")).unwrap_err();
    assert_says(&refusal, &["absent/mail", "create its parent"]);
    fs::write(folder.directory.path().join("file"), "").unwrap();
    let refusal = RedbDeliveryStore::open(folder.directory.path().join("file")).unwrap_err();
    assert_says(&refusal, &["file", "cannot be locked"]);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_store() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::new();
    drop(folder.open());
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(folder.mail()), mode(folder.file())), (0o700, 0o600));
}

#[test]
fn a_damaged_store_is_set_aside_and_kept() {
    let folder = Folder::new();
    let mut store = folder.open();
    store.apply(&[kept(&viewer(1), 1), changed(&viewer(1), 1)]).unwrap();
    drop(store);
    let whole = fs::read(folder.file()).unwrap();
    let damages = [b"no database".to_vec(), whole[..whole.len() / 2].to_vec(), vec![0; whole.len()]];
    for (number, damage) in damages.into_iter().enumerate() {
        fs::write(folder.file(), &damage).unwrap();
        let mut store = folder.open();
        assert_eq!(store.load().unwrap(), Snapshot::default());
        store.apply(&[changed(&viewer(2), 1)]).unwrap();
        let kept = folder.mail().join(format!("mail.redb.damaged-{}", number + 1));
        assert_eq!(fs::read(kept).unwrap().len(), damage.len());
    }
}

#[test]
fn a_row_that_cannot_be_read_is_damage() {
    let folder = Folder::new();
    drop(folder.open());
    write(&folder, |writing| {
        let peers = redb::TableDefinition::<&str, &[u8]>::new("peers");
        writing.open_table(peers).unwrap().insert("viewer x y", &b"{}"[..]).unwrap();
    });
    assert_eq!(folder.open().load().unwrap(), Snapshot::default());
    assert!(folder.mail().join("mail.redb.damaged-1").exists());
}

#[test]
fn a_newer_store_is_left_alone() {
    let folder = Folder::new();
    drop(folder.open());
    write(&folder, |writing| {
        let about = redb::TableDefinition::<&str, &str>::new("about");
        writing.open_table(about).unwrap().insert("version", "2").unwrap();
    });
    let refusal = RedbDeliveryStore::open(folder.mail()).unwrap_err();
    assert_says(&refusal, &["mail.redb", "newer version", "update"]);
    assert!(!folder.mail().join("mail.redb.damaged-1").exists());
}

#[test]
fn a_peer_that_was_absent_for_a_week_is_forgotten() {
    let folder = Folder::new();
    let mut store = folder.open();
    store.apply(&[kept(&viewer(1), 1), changed(&viewer(1), 1), changed(&viewer(2), 1)]).unwrap();
    drop(store);
    write(&folder, |writing| {
        let peers = redb::TableDefinition::<&str, &[u8]>::new("peers");
        let mut peers = writing.open_table(peers).unwrap();
        let key = format!("viewer {} cam", Identity(1));
        let row = peers.get(key.as_str()).unwrap().unwrap().value().to_vec();
        let mut row: serde_json::Value = serde_json::from_slice(&row).unwrap();
        row["heard"] = (row["heard"].as_u64().unwrap() - 8 * 24 * 60 * 60).into();
        peers.insert(key.as_str(), row.to_string().as_bytes()).unwrap();
    });
    let left = folder.open().load().unwrap().peers;
    assert_eq!(left.iter().map(|record| &record.delivery_key).collect::<Vec<_>>(), [&viewer(2)]);
}

#[test]
fn a_directly_stored_confirmation_is_loaded_until_the_machine_stores_a_later_one() {
    let folder = Folder::new();
    let mut store = folder.open();
    store.apply(&[changed(&viewer(1), 5)]).unwrap();
    let log = store.confirm_log().unwrap();
    let received =
        |store: &mut RedbDeliveryStore| store.load().unwrap().peers[0].state.received.unwrap().sequence;
    log.record(Cursor { epoch: Epoch(u64::MAX - 1), sequence: 7 }).unwrap();
    log.record(Cursor { epoch: Epoch(1), sequence: 9 }).unwrap();
    assert_eq!(received(&mut store), 7);
    store.apply(&[changed(&viewer(1), 6)]).unwrap();
    assert_eq!(received(&mut store), 7);
    store.apply(&[changed(&viewer(1), 8)]).unwrap();
    drop((store, log));
    assert_eq!(received(&mut folder.open()), 8);
}

#[cfg(target_os = "linux")]
#[test]
fn another_boot_of_the_host_gives_new_numbers() {
    let folder = Folder::new();
    let mut store = folder.open();
    store.apply(&[kept(&viewer(1), 8), kept(&viewer(1), 9), changed(&viewer(1), 9)]).unwrap();
    drop(store);
    write(&folder, |writing| {
        let about = redb::TableDefinition::<&str, &str>::new("about");
        writing.open_table(about).unwrap().insert("life", "another").unwrap();
    });
    let mail = folder.open().load().unwrap().peers;
    assert_eq!(mail[0].kept, [(1, payload(8)), (2, payload(9))]);
    assert_eq!((mail[0].state.newest, mail[0].state.received), (2, peer_state(9).received));
    assert_ne!(mail[0].state.epoch, peer_state(9).epoch);
    // The next load returns the same numbers.
    assert_eq!(folder.open().load().unwrap().peers, mail);
}

/// Writes to the database directly.
fn write(folder: &Folder, change: impl FnOnce(&redb::WriteTransaction)) {
    let database = redb::Database::open(folder.file()).unwrap();
    let writing = database.begin_write().unwrap();
    change(&writing);
    writing.commit().unwrap();
}

fn viewer(number: u128) -> DeliveryKey {
    DeliveryKey::Viewer { identity: Identity(number), stream: StreamId("cam".into()) }
}

fn payload(number: u64) -> Payload {
    Payload(format!("\"message {number}\"").into())
}

fn kept(delivery_key: &DeliveryKey, sequence: u64) -> StoreChange {
    StoreChange::Kept { delivery_key: delivery_key.clone(), sequence, payload: payload(sequence) }
}

fn changed(delivery_key: &DeliveryKey, newest: u64) -> StoreChange {
    StoreChange::StateChanged { delivery_key: delivery_key.clone(), state: peer_state(newest) }
}

fn peer_state(newest: u64) -> PeerState {
    PeerState {
        identity: Some(Identity(3)),
        label: Some("dock".to_owned()),
        durability: Durability::Durable,
        epoch: Epoch(u64::MAX),
        newest,
        acknowledged: 0,
        received: Some(Cursor { epoch: Epoch(u64::MAX - 1), sequence: newest }),
    }
}

fn assert_says(error: &StoreError, words: &[&str]) {
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "\"{word}\" is not in: {text}");
    }
}

/// A temporary directory for one delivery store.
struct Folder {
    directory: TempDir,
}

impl Folder {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn mail(&self) -> PathBuf {
        self.directory.path().join("mail")
    }

    fn file(&self) -> PathBuf {
        self.mail().join("mail.redb")
    }

    fn open(&self) -> RedbDeliveryStore {
        RedbDeliveryStore::open(self.mail()).unwrap()
    }
}
