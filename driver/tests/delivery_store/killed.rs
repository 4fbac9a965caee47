//! A process that is killed while it stores messages loses no stored message.

use std::path::PathBuf;

use crate::kills::{KILLS, report, rng, run_and_kill};

use super::*;

/// The variable with the child's directory.
const DIRECTORY: &str = "REJOIN_TEST_KILLED_DIRECTORY";
/// Undelivered messages at a time.
const WINDOW: u64 = 40;

#[test]
fn a_kill_at_any_moment_loses_nothing_that_was_stored() {
    let mut rng = rng();
    let folder = Folder::new();
    let mut held = 0;
    for kill in 1..=KILLS {
        let last = run_and_kill("killed::stores_until_killed", (DIRECTORY, &folder.mail()), &mut rng);
        // A process that reported nothing started with the content of its predecessor.
        let reported = last.unwrap_or(held);

        let mail = folder.open().load().unwrap().peers;
        held = newest(&mail);
        assert!(held == reported || held == reported + 1, "kill {kill}: {held} after message {reported}");
        let first = held.saturating_sub(WINDOW) + 1;
        let expected: Vec<_> = (first..=held).map(|number| (number, payload(number))).collect();
        assert!(held == 0 || mail[0].kept == expected, "kill {kill}: {held} is not complete");
    }
    assert!(held > KILLS, "only {held} messages in {KILLS} processes prove nothing");
    println!("{held} messages in {KILLS} processes");
    let names = fs::read_dir(folder.mail()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.filter(|name| name.to_string_lossy().contains("damaged")).count(), 0);
}

#[test]
#[ignore = "the process that the test above starts and kills"]
fn stores_until_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    let mut store = RedbDeliveryStore::open(directory).unwrap();
    let first = newest(&store.load().unwrap().peers) + 1;
    report("storing");
    for number in first.. {
        let released = StoreChange::Released {
            delivery_key: viewer(1),
            numbers: 0..(number + 1).saturating_sub(WINDOW),
        };
        store.apply(&[kept(&viewer(1), number), released, changed(&viewer(1), number)]).unwrap();
        report(&format!("stored {number}"));
    }
}

fn newest(mail: &[PeerRecord]) -> u64 {
    mail.first().map_or(0, |record| record.state.newest)
}
