//! A process that is killed while it saves loses no completed save.

use std::path::PathBuf;

use crate::kills::{KILLS, report, rng, run_and_kill};

use super::*;

/// The variable with the child's file.
const FILE: &str = "REJOIN_TEST_KILLED_FILE";

#[tokio::test]
async fn a_kill_at_any_moment_loses_nothing_older_than_the_last_save() {
    let mut rng = rng();
    let folder = Folder::new();
    let mut held = 0;
    for kill in 1..=KILLS {
        let last = run_and_kill("killed::saves_until_killed", (FILE, &folder.file()), &mut rng);
        // A process that reported nothing started with the record of its predecessor.
        let reported = last.unwrap_or(held);

        let found = folder.open().load().await.unwrap();
        held = found.as_ref().map_or(0, number);
        assert!(held == reported || held == reported + 1, "kill {kill}: {held} after save {reported}");
        assert!(found.is_none_or(|found| found == record(held)), "kill {kill}: {held} is not complete");
    }
    assert!(held > KILLS, "only {held} saves in {KILLS} processes prove nothing");
    let damaged = folder.names().into_iter().filter(|name| name.contains("damaged"));
    assert_eq!(damaged.count(), 0);
}

#[tokio::test]
#[ignore = "the process that the test above starts and kills"]
async fn saves_until_killed() {
    let Some(file) = std::env::var_os(FILE).map(PathBuf::from) else { return };
    let mut store = FileStore::open(file).unwrap();
    let first = store.load().await.unwrap().as_ref().map_or(0, number) + 1;
    report("storing");
    for number in first.. {
        store.save(&record(number)).await.unwrap();
        report(&format!("stored {number}"));
    }
}

fn number(record: &SessionRecord) -> u64 {
    u64::try_from(record.identity.0).unwrap()
}
