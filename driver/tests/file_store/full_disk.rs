//! A full disk and a disk that became read-only, in a mount namespace.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::*;

/// The variable with the directory on which the child mounts.
const DIRECTORY: &str = "REJOIN_TEST_MOUNT_DIRECTORY";

#[test]
fn a_full_or_read_only_disk_leaves_the_last_session_intact() {
    let directory = tempfile::tempdir().unwrap();
    match namespace(directory.path(), &["mount", "-t", "tmpfs", "tmpfs"], &[directory.path()]) {
        Ok(output) if output.status.success() => {}
        refusal => return println!("SKIP: no disk can be mounted here: {refusal:?}"),
    }
    let test = ["--exact", "full_disk::survives_a_bad_disk", "--ignored", "--nocapture"];
    let program = std::env::current_exe().unwrap();
    let output = namespace(directory.path(), &[program.to_str().unwrap()], &test.map(Path::new)).unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("1 passed"), "{output:#?}");
}

#[tokio::test]
#[ignore = "runs in the namespace that the test above creates"]
async fn survives_a_bad_disk() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    mount(&["-t", "tmpfs", "-o", "size=64k", "tmpfs"], &directory);
    let mut store = FileStore::open(directory.join("session.json")).unwrap();
    store.save(&record(1)).await.unwrap();

    let filler = directory.join("filler");
    fs::write(&filler, vec![0; 1 << 20]).unwrap_err();
    assert_says(&store.save(&record(2)).await.unwrap_err(), &["session.json", "make room"]);
    assert_eq!(store.load().await.unwrap(), Some(record(1)));
    assert_eq!(names(&directory), ["filler", "session.json", "session.json.lock"]);
    fs::remove_file(&filler).unwrap();
    store.save(&record(3)).await.unwrap();

    mount(&["--bind", directory.to_str().unwrap()], &directory);
    mount(&["-o", "remount,bind,ro"], &directory);
    assert_says(&store.save(&record(4)).await.unwrap_err(), &["session.json", "Read-only", "writable"]);
    assert_eq!(store.load().await.unwrap(), Some(record(3)));
    drop(store);
    let refusal = FileStore::open(directory.join("session.json")).unwrap_err();
    assert_says(&refusal, &["session.json", "Read-only", "writable"]);
}

fn mount(how: &[&str], directory: &Path) {
    assert!(Command::new("mount").args(how).arg(directory).status().unwrap().success());
}

/// Runs a program in a mount namespace, whose mounts end with the program.
fn namespace(directory: &Path, program: &[&str], arguments: &[&Path]) -> std::io::Result<Output> {
    Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount"])
        .args(program)
        .args(arguments)
        .env(DIRECTORY, directory)
        .output()
}
