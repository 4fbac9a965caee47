//! Runs many labs, several at a time, each in a process and an enclosure of its own.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, mpsc};
use std::thread;

use anyhow::{Context as _, Result, bail};

use crate::case::Case;
use crate::row::Row;

/// The exit code of a run that this machine cannot hold.
pub const SKIPPED: i32 = 77;

/// The file in a run's directory that has its row.
const ROW: &str = "row.json";

/// How a run ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// It was played; whether it passed is in the row.
    Played(Box<Row>),
    /// This machine cannot hold a lab.
    Skipped(String),
    /// The lab itself failed.
    Broken(String),
}

/// Several labs at a time.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// The binary under test.
    pub rejoin: PathBuf,
    /// Where every run gets a directory.
    pub scratch: PathBuf,
    /// How many at a time.
    pub labs: usize,
}

impl Fleet {
    /// Creates a fleet with a copy of the binary, so that a build meanwhile changes nothing.
    ///
    /// # Errors
    /// If there is no binary, or it cannot be copied.
    pub fn prepare(rejoin: &Path, scratch: &Path, labs: usize) -> Result<Self> {
        fs::create_dir_all(scratch)?;
        let copy = scratch.join("rejoin");
        fs::copy(rejoin, &copy).with_context(|| {
            format!("{} is not there; build it with: cargo build --release", rejoin.display())
        })?;
        Ok(Self { rejoin: copy, scratch: scratch.to_owned(), labs: labs.max(1) })
    }

    /// Runs every case and calls `tell` as each one ends; the order of the results is that of the cases.
    ///
    /// # Errors
    /// If a process cannot be started.
    pub fn run(&self, cases: &[Case], mut tell: impl FnMut(&Case, &Ending)) -> Result<Vec<Ending>> {
        let waiting: Mutex<VecDeque<usize>> = Mutex::new((0..cases.len()).collect());
        let (ended, endings) = mpsc::channel();
        let mut results: Vec<Option<Ending>> = vec![None; cases.len()];
        thread::scope(|scope| {
            for _ in 0..self.labs {
                let (ended, waiting) = (ended.clone(), &waiting);
                scope.spawn(move || {
                    // Poisoned only by a panic in `pop_front`.
                    while let Some(index) = waiting.lock().ok().and_then(|mut queue| queue.pop_front()) {
                        let ending = self.play(index, &cases[index]);
                        if ended.send((index, ending)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(ended);
            for (index, ending) in endings {
                let ending = ending.unwrap_or_else(|error| Ending::Broken(format!("{error:#}")));
                tell(&cases[index], &ending);
                results[index] = Some(ending);
            }
        });
        results.into_iter().collect::<Option<_>>().context("a run never ended")
    }

    /// Returns where a case leaves what it has to tell.
    pub fn directory(&self, index: usize, case: &Case) -> PathBuf {
        self.scratch.join(format!("{index:03}-{}-{}", case.scenario, case.profile))
    }

    /// Returns the rows that runs have left in a directory, in the order of its names.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn rows(scratch: &Path) -> Result<Vec<Row>> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(scratch).with_context(|| format!("{} cannot be read", scratch.display()))? {
            paths.push(entry?.path().join(ROW));
        }
        paths.sort();
        let read = |path: PathBuf| -> Result<Row> { Ok(serde_json::from_str(&fs::read_to_string(path)?)?) };
        paths.into_iter().filter(|path| path.is_file()).map(read).collect()
    }

    fn play(&self, index: usize, case: &Case) -> Result<Ending> {
        let directory = self.directory(index, case);
        fs::create_dir_all(&directory)?;
        // A fleet that is killed takes its labs with it, although they have enclosures of their own.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(std::env::current_exe()?);
        command.arg("run").args(case.arguments());
        command.arg("--rejoin").arg(&self.rejoin).arg("--scratch").arg(&directory);
        let output = command.stdin(Stdio::null()).output()?;
        let (told, complaint) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.code() == Some(SKIPPED) {
            return Ok(Ending::Skipped(complaint.trim().to_owned()));
        }
        let Some(line) = told.lines().last() else { bail!("{}: {}", output.status, complaint.trim()) };
        fs::write(directory.join(ROW), line)?;
        let row = serde_json::from_str(line).with_context(|| format!("{line}\n{complaint}"))?;
        Ok(Ending::Played(Box::new(row)))
    }
}
