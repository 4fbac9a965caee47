//! Runs many labs, several at a time, each in a process and a sandbox of its own.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, mpsc};
use std::thread;

use anyhow::{Context as _, Result, bail};

use crate::case::Case;
use crate::result::RunResult;

/// The exit code of a run that this machine does not support.
pub const SKIPPED: i32 = 77;

/// The name of the file with the result in the directory of a run.
const RESULT: &str = "result.json";

/// How a run ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It finished; the result says whether it passed.
    Finished(Box<RunResult>),
    /// This machine does not support a lab.
    Skipped(String),
    /// The lab itself failed.
    Broken(String),
}

/// Several labs at a time.
#[derive(Clone, Debug)]
pub struct ParallelRuns {
    /// The binary under test.
    pub rejoin: PathBuf,
    /// The directory in which every run gets a directory of its own.
    pub scratch: PathBuf,
    /// How many run at the same time.
    pub jobs: usize,
}

impl ParallelRuns {
    /// Copies the binary, so that a build meanwhile changes nothing.
    ///
    /// # Errors
    /// If there is no binary, or it cannot be copied.
    pub fn prepare(rejoin: &Path, scratch: &Path, jobs: usize) -> Result<Self> {
        fs::create_dir_all(scratch)?;
        let copy = scratch.join("rejoin");
        fs::copy(rejoin, &copy).with_context(|| {
            format!("{} is not there; build it with: cargo build --release", rejoin.display())
        })?;
        Ok(Self { rejoin: copy, scratch: scratch.to_owned(), jobs: jobs.max(1) })
    }

    /// Runs every case, calls `on_end` as each one ends, and returns the outcomes in the order of the cases.
    ///
    /// # Errors
    /// If a process cannot be started.
    pub fn run(&self, cases: &[Case], mut on_end: impl FnMut(&Case, &Outcome)) -> Result<Vec<Outcome>> {
        let waiting: Mutex<VecDeque<usize>> = Mutex::new((0..cases.len()).collect());
        let (ended, outcomes) = mpsc::channel();
        let mut results: Vec<Option<Outcome>> = vec![None; cases.len()];
        thread::scope(|scope| {
            for _ in 0..self.jobs {
                let (ended, waiting) = (ended.clone(), &waiting);
                scope.spawn(move || {
                    // Poisoned only by a panic in `pop_front`.
                    while let Some(index) = waiting.lock().ok().and_then(|mut queue| queue.pop_front()) {
                        let outcome = self.run_case(index, &cases[index]);
                        if ended.send((index, outcome)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(ended);
            for (index, outcome) in outcomes {
                let outcome = outcome.unwrap_or_else(|error| Outcome::Broken(format!("{error:#}")));
                on_end(&cases[index], &outcome);
                results[index] = Some(outcome);
            }
        });
        results.into_iter().collect::<Option<_>>().context("a run did not end")
    }

    /// Returns the directory for the logs and the result of a case.
    pub fn directory(&self, index: usize, case: &Case) -> PathBuf {
        self.scratch.join(format!("{index:03}-{}-{}", case.scenario, case.profile))
    }

    /// Returns the results of the runs in a directory, in the order of their names.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn results(scratch: &Path) -> Result<Vec<RunResult>> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(scratch).with_context(|| format!("{} cannot be read", scratch.display()))? {
            paths.push(entry?.path().join(RESULT));
        }
        paths.sort();
        let read =
            |path: PathBuf| -> Result<RunResult> { Ok(serde_json::from_str(&fs::read_to_string(path)?)?) };
        paths.into_iter().filter(|path| path.is_file()).map(read).collect()
    }

    fn run_case(&self, index: usize, case: &Case) -> Result<Outcome> {
        let directory = self.directory(index, case);
        fs::create_dir_all(&directory)?;
        // If this process is killed, its labs die with it, although they have sandboxes of their own.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(std::env::current_exe()?);
        command.arg("run").args(case.arguments());
        command.arg("--rejoin").arg(&self.rejoin).arg("--scratch").arg(&directory);
        let output = command.stdin(Stdio::null()).output()?;
        let (stdout, stderr) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.code() == Some(SKIPPED) {
            return Ok(Outcome::Skipped(stderr.trim().to_owned()));
        }
        let Some(line) = stdout.lines().last() else { bail!("{}: {}", output.status, stderr.trim()) };
        fs::write(directory.join(RESULT), line)?;
        let result = serde_json::from_str(line).with_context(|| format!("{line}\n{stderr}"))?;
        Ok(Outcome::Finished(Box::new(result)))
    }
}
