//! Lives of a process that stores and tells what is stored, each ended by a kill at a random moment.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rejoin_core::rng::Rng;

/// Enough to meet every step of a write many times.
pub(crate) const KILLS: u64 = 200;
/// Several writes on a disk, hundreds in memory.
const LONGEST: Duration = Duration::from_millis(25);

/// Runs the ignored `test` of this binary on `place`, which `variable` tells it, kills it, and returns the last number
/// that it told as stored; `None` if it told none.
pub(crate) fn live(test: &str, (variable, place): (&str, &Path), dice: &mut Rng) -> Option<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(variable, place)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    lines.by_ref().find(|line| line == "storing").unwrap();
    std::thread::sleep(LONGEST.mul_f64(dice.unit())); // the moment of a kill is a matter of time
    child.kill().unwrap();
    child.wait().unwrap();
    lines.filter_map(|line| line.strip_prefix("stored ")?.parse().ok()).last()
}

/// Writes a line in one piece, past whatever captures a test's output.
pub(crate) fn tell(line: &str) {
    let mut pipe = std::io::stdout().lock();
    pipe.write_all(format!("{line}\n").as_bytes()).unwrap();
    pipe.flush().unwrap();
}

/// Returns dice whose seed was given, or is told.
pub(crate) fn dice() -> Rng {
    let given = std::env::var("REJOIN_TEST_SEED").ok();
    let seed = given.map_or_else(|| getrandom::u64().unwrap(), |seed| seed.parse().unwrap());
    println!("seed {seed}: repeat with REJOIN_TEST_SEED={seed}");
    Rng::new(seed)
}
