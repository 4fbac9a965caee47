//! A process that is killed while it stores mail loses nothing that it was told is stored.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rejoin_core::rng::Rng;

use super::*;

/// Tells the child where to store.
const DIRECTORY: &str = "REJOIN_TEST_KILLED_DIRECTORY";
/// Enough to meet every step of a write many times.
const KILLS: u64 = 200;
/// Hundreds of writes.
const LONGEST_LIFE: Duration = Duration::from_millis(25);
/// Messages that are kept at a time.
const WINDOW: u64 = 40;

#[test]
fn a_kill_at_any_moment_loses_nothing_that_was_stored() {
    let seed = seed();
    println!("seed {seed}: repeat with REJOIN_TEST_SEED={seed}");
    let mut dice = Rng::new(seed);
    let folder = Folder::new();
    let mut held = 0;
    for kill in 1..=KILLS {
        let mut child = spawn(&folder.mail());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        lines.by_ref().find(|line| line == "storing").unwrap();
        std::thread::sleep(LONGEST_LIFE.mul_f64(dice.unit())); // the moment of a kill is a matter of time
        child.kill().unwrap();
        child.wait().unwrap();
        let last = lines.filter_map(|line| line.strip_prefix("stored ")?.parse().ok()).last();
        // A life that reported nothing began with what its forerunner left.
        let reported = last.unwrap_or(held);

        let mail = folder.open().load().unwrap().mail;
        held = newest(&mail);
        assert!(held == reported || held == reported + 1, "kill {kill}: {held} after message {reported}");
        let first = held.saturating_sub(WINDOW) + 1;
        let expected: Vec<_> = (first..=held).map(|number| (number, payload(number))).collect();
        assert!(held == 0 || mail[0].kept == expected, "kill {kill}: {held} is not whole");
    }
    assert!(held > KILLS, "only {held} messages in {KILLS} lives prove nothing");
    println!("{held} messages in {KILLS} lives");
    let names = fs::read_dir(folder.mail()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.filter(|name| name.to_string_lossy().contains("damaged")).count(), 0);
}

#[test]
#[ignore = "the process that the test above starts and kills"]
fn stores_until_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    let mut store = MailDirectory::open(directory).unwrap();
    let first = newest(&store.load().unwrap().mail) + 1;
    tell("storing");
    for number in first.. {
        let released =
            MailChange::Released { address: viewer(1), numbers: 0..(number + 1).saturating_sub(WINDOW) };
        store.apply(&[kept(&viewer(1), number), released, noted(&viewer(1), number)]).unwrap();
        tell(&format!("stored {number}"));
    }
}

fn newest(mail: &[MailRecord]) -> u64 {
    mail.first().map_or(0, |record| record.note.newest)
}

fn spawn(directory: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::stores_until_killed", "--ignored", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Writes a line in one piece, past whatever captures a test's output.
fn tell(line: &str) {
    let mut pipe = std::io::stdout().lock();
    pipe.write_all(format!("{line}\n").as_bytes()).unwrap();
    pipe.flush().unwrap();
}

fn seed() -> u64 {
    let given = std::env::var("REJOIN_TEST_SEED").ok();
    given.map_or_else(|| getrandom::u64().unwrap(), |seed| seed.parse().unwrap())
}
