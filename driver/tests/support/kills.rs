//! Runs a process that stores and reports what is stored, and kills it at a random moment.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rejoin_core::rng::Rng;

/// Enough to interrupt every step of a write many times.
pub(crate) const KILLS: u64 = 200;
/// Enough for several writes on a disk, and hundreds in memory.
const MAX_LIFETIME: Duration = Duration::from_millis(25);

/// Runs the ignored `test` of this binary with `place` in the environment variable `variable`, kills it, and returns the
/// last number that it reported as stored, or `None` if it reported none.
pub(crate) fn run_and_kill(test: &str, (variable, place): (&str, &Path), rng: &mut Rng) -> Option<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(variable, place)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    lines.by_ref().find(|line| line == "storing").unwrap();
    std::thread::sleep(MAX_LIFETIME.mul_f64(rng.unit())); // real time: a kill at a random moment
    child.kill().unwrap();
    child.wait().unwrap();
    lines.filter_map(|line| line.strip_prefix("stored ")?.parse().ok()).last()
}

/// Writes a line in one piece, bypassing the capture of a test's output.
pub(crate) fn report(line: &str) {
    let mut pipe = std::io::stdout().lock();
    pipe.write_all(format!("{line}\n").as_bytes()).unwrap();
    pipe.flush().unwrap();
}

/// Returns a generator whose seed is given by `REJOIN_TEST_SEED`, or random and printed.
pub(crate) fn rng() -> Rng {
    let given = std::env::var("REJOIN_TEST_SEED").ok();
    let seed = given.map_or_else(|| getrandom::u64().unwrap(), |seed| seed.parse().unwrap());
    println!("seed {seed}: repeat with REJOIN_TEST_SEED={seed}");
    Rng::new(seed)
}
