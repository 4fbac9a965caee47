//! A process that is killed while it saves loses nothing that it was told is saved.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rejoin_core::rng::Rng;

use super::*;

/// Tells the child where to save.
const FILE: &str = "REJOIN_TEST_KILLED_FILE";
/// Enough to meet every step of a save, of which there are about eight, many times.
const KILLS: u64 = 200;
/// Several saves on a disk, many in memory.
const LONGEST_LIFE: Duration = Duration::from_millis(25);

#[tokio::test]
async fn a_kill_at_any_moment_loses_nothing_older_than_the_last_save() {
    let seed = seed();
    println!("seed {seed}: repeat with REJOIN_TEST_SEED={seed}");
    let mut dice = Rng::new(seed);
    let folder = Folder::new();
    let mut held = 0;
    for kill in 1..=KILLS {
        let mut child = spawn(&folder.file());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        lines.by_ref().find(|line| line == "saving").unwrap();
        std::thread::sleep(LONGEST_LIFE.mul_f64(dice.unit())); // the moment of a kill is a matter of time
        child.kill().unwrap();
        child.wait().unwrap();
        let last = lines.filter_map(|line| line.strip_prefix("saved ")?.parse().ok()).last();
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
    tell("saving");
    for number in first.. {
        store.save(&record(number)).await.unwrap();
        tell(&format!("saved {number}"));
    }
}

fn spawn(file: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::saves_until_killed", "--ignored", "--nocapture"])
        .env(FILE, file)
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

fn number(record: &SessionRecord) -> u64 {
    u64::try_from(record.identity.0).unwrap()
}

fn seed() -> u64 {
    let given = std::env::var("REJOIN_TEST_SEED").ok();
    given.map_or_else(|| getrandom::u64().unwrap(), |seed| seed.parse().unwrap())
}
