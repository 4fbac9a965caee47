//! A process that is killed while it saves loses nothing that it was told is saved.

use std::path::PathBuf;

use crate::life::{KILLS, dice, live, tell};

use super::*;

/// Tells the child where to save.
const FILE: &str = "REJOIN_TEST_KILLED_FILE";

#[tokio::test]
async fn a_kill_at_any_moment_loses_nothing_older_than_the_last_save() {
    let mut dice = dice();
    let folder = Folder::new();
    let mut held = 0;
    for kill in 1..=KILLS {
        let last = live("killed::saves_until_killed", (FILE, &folder.file()), &mut dice);
        // A life that reported nothing began with what its forerunner left.
        let reported = last.unwrap_or(held);

        let found = folder.open().load().await.unwrap();
        held = found.as_ref().map_or(0, number);
        assert!(held == reported || held == reported + 1, "kill {kill}: {held} after save {reported}");
        assert!(found.is_none_or(|found| found == record(held)), "kill {kill}: {held} is not whole");
    }
    assert!(held > KILLS, "only {held} saves in {KILLS} lives prove nothing");
    let strangers = folder.names().into_iter().filter(|name| name.contains("damaged"));
    assert_eq!(strangers.count(), 0);
}

#[tokio::test]
#[ignore = "the process that the test above starts and kills"]
async fn saves_until_killed() {
    let Some(file) = std::env::var_os(FILE).map(PathBuf::from) else { return };
    let mut store = FileStore::open(file).unwrap();
    let first = store.load().await.unwrap().as_ref().map_or(0, number) + 1;
    tell("storing");
    for number in first.. {
        store.save(&record(number)).await.unwrap();
        tell(&format!("stored {number}"));
    }
}

fn number(record: &SessionRecord) -> u64 {
    u64::try_from(record.identity.0).unwrap()
}
