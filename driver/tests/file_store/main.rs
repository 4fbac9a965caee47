//! The session file: its content, its lock, and crashes.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test")]

#[cfg(target_os = "linux")]
mod full_disk;
#[cfg(unix)]
mod killed;
#[path = "../support/kills.rs"]
mod kills;

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use rejoin_core::SessionStore;
use rejoin_core::id::{Identity, RoomId, StreamId};
use rejoin_core::port::StoreError;
use rejoin_core::session::{SessionRecord, ViewerRecord};
use rejoin_driver::FileStore;

#[tokio::test]
async fn a_new_file_holds_nothing() {
    let folder = Folder::new();
    assert_eq!(folder.open().load().await.unwrap(), None);
}

#[tokio::test]
async fn a_session_outlives_its_store() {
    let folder = Folder::new();
    let mut record = record(1);
    let viewer =
        ViewerRecord { name: "viewer".into(), identity: Identity(9), stream: StreamId("cam".into()) };
    record.viewers.push(viewer);
    folder.open().save(&record).await.unwrap();
    assert_eq!(folder.open().load().await.unwrap(), Some(record));
}

#[tokio::test]
async fn a_later_session_takes_the_place_of_an_earlier_one() {
    let folder = Folder::new();
    let mut store = folder.open();
    for number in [40, 3] {
        store.save(&record(number)).await.unwrap();
    }
    assert_eq!(store.load().await.unwrap(), Some(record(3)));
    assert_eq!(folder.names(), ["session.json", "session.json.lock"]);
}

#[tokio::test]
async fn an_abandoned_save_never_overtakes_a_later_one() {
    let folder = Folder::new();
    let mut store = folder.open();
    for number in 0..50 {
        let abandoned = record(1000);
        tokio::select! {
            biased;
            answer = store.save(&abandoned) => answer.unwrap(),
            () = tokio::task::yield_now() => {}
        }
        store.save(&record(number)).await.unwrap();
        assert_eq!(store.load().await.unwrap(), Some(record(number)));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_session() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::new();
    folder.open().save(&record(1)).await.unwrap();
    let mode = fs::metadata(folder.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_to_the_file_is_followed_and_kept() {
    let folder = Folder::new();
    folder.open().save(&record(1)).await.unwrap();
    let link = folder.directory.path().join("link");
    std::os::unix::fs::symlink(folder.file(), &link).unwrap();
    let mut store = FileStore::open(&link).unwrap();
    assert!(FileStore::open(folder.file()).is_err());
    store.save(&record(2)).await.unwrap();
    assert!(link.is_symlink());
    assert_eq!(store.load().await.unwrap(), Some(record(2)));
}

#[test]
fn a_second_store_is_refused_while_the_first_lives() {
    let folder = Folder::new();
    let first = folder.open();
    let refusal = FileStore::open(folder.file()).unwrap_err();
    assert_says(&refusal, &["session.json", "in use", "choose another place"]);
    drop(first);
    folder.open();
}

#[test]
fn a_path_that_is_not_a_file_is_refused() {
    let folder = Folder::new();
    let directory = folder.directory.path();
    assert_says(&FileStore::open(directory).unwrap_err(), &["not a regular file", "give the path"]);
    assert!(FileStore::open("").is_err());
    assert!(FileStore::open("/").is_err());
    #[cfg(unix)]
    assert_says(&FileStore::open("/dev/null").unwrap_err(), &["/dev/null", "not a regular file"]);
}

#[test]
fn a_missing_directory_is_named() {
    let folder = Folder::new();
    let refusal = FileStore::open(folder.directory.path().join("absent/session.json")).unwrap_err();
    assert_says(&refusal, &["absent/session.json", "make its directory"]);
}

#[tokio::test]
async fn a_damaged_file_is_set_aside_and_kept() {
    let folder = Folder::new();
    for (number, damage) in ["{\"version\":1,\"sess", "", "\0\0\0"].into_iter().enumerate() {
        fs::write(folder.file(), damage).unwrap();
        assert_eq!(folder.open().load().await.unwrap(), None);
        assert!(!folder.file().exists());
        let kept = folder.directory.path().join(format!("session.json.damaged-{}", number + 1));
        assert_eq!(fs::read_to_string(kept).unwrap(), damage);
    }
}

#[tokio::test]
async fn a_damaged_file_is_set_aside_even_without_a_load() {
    let folder = Folder::new();
    fs::write(folder.file(), "damaged").unwrap();
    let mut store = folder.open();
    store.save(&record(1)).await.unwrap();
    assert_eq!(store.load().await.unwrap(), Some(record(1)));
    let kept = folder.directory.path().join("session.json.damaged-1");
    assert_eq!(fs::read_to_string(kept).unwrap(), "damaged");
}

#[tokio::test]
async fn a_newer_file_is_left_alone_until_it_is_moved_away() {
    let folder = Folder::new();
    let newer = "{\"version\":2,\"crew\":{}}";
    fs::write(folder.file(), newer).unwrap();
    let mut store = folder.open();
    assert_says(&store.load().await.unwrap_err(), &["session.json", "version 2", "update"]);
    assert_says(&store.save(&record(1)).await.unwrap_err(), &["session.json", "version 2", "another file"]);
    assert_eq!(fs::read_to_string(folder.file()).unwrap(), newer);
    fs::remove_file(folder.file()).unwrap();
    store.save(&record(1)).await.unwrap();
}

#[tokio::test]
async fn a_save_that_fails_leaves_the_last_session_intact() {
    let folder = Folder::new();
    let mut store = folder.open();
    store.save(&record(1)).await.unwrap();
    let obstacle = folder.directory.path().join("session.json.tmp");
    fs::create_dir(&obstacle).unwrap();
    assert_says(&store.save(&record(2)).await.unwrap_err(), &["session.json", "make room"]);
    assert_eq!(store.load().await.unwrap(), Some(record(1)));
    fs::remove_dir(&obstacle).unwrap();
    store.save(&record(2)).await.unwrap();
}

#[tokio::test]
async fn a_draft_of_a_crash_is_replaced() {
    let folder = Folder::new();
    fs::write(folder.directory.path().join("session.json.tmp"), "half a sess").unwrap();
    let mut store = folder.open();
    assert_eq!(store.load().await.unwrap(), None);
    store.save(&record(1)).await.unwrap();
    assert_eq!(folder.names(), ["session.json", "session.json.lock"]);
}

#[tokio::test]
async fn a_directory_below_a_file_cannot_be_opened() {
    let folder = Folder::new();
    fs::write(folder.directory.path().join("file"), "").unwrap();
    assert!(FileStore::open(folder.directory.path().join("file/session.json")).is_err());
}

fn assert_says(error: &StoreError, words: &[&str]) {
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "\"{word}\" is not in: {text}");
    }
}

/// A record whose identity and length depend on `number`.
fn record(number: u64) -> SessionRecord {
    let mut record = SessionRecord::new(Identity(number.into()));
    record.room = Some(RoomId(format!("room {number}").into()));
    record.streams = (0..number % 60).map(|stream| StreamId(format!("{number}/{stream}").into())).collect();
    record
}

/// A temporary directory for one session file.
struct Folder {
    directory: TempDir,
}

impl Folder {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("session.json")
    }

    fn open(&self) -> FileStore {
        FileStore::open(self.file()).unwrap()
    }

    fn names(&self) -> Vec<String> {
        names(self.directory.path())
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
