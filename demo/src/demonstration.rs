//! The demonstration from its options to its summary.

use std::io::{self, Write as _};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::options::{Options, ReportFormat};
use crate::report::{self, IncidentReport, Summary};
use crate::runner::Runner;

/// Runs the demonstration: injects every fault, prints the results to stdout and returns their sums.
///
/// `program` makes a command of the rejoin binary without arguments.
/// Soon after `stop` is set, the demonstration kills its processes and fails.
///
/// # Errors
/// If a process cannot be started or ends by itself, or if stdout takes no results.
pub fn run(options: &Options, program: fn() -> Command, stop: &AtomicBool) -> Result<Summary> {
    let seed = options.seed.map_or_else(random_seed, Ok)?;
    let mut runner = Runner::start(program, &options.profile, seed, stop)?;
    let mut incidents: Vec<IncidentReport> = Vec::new();
    for fault in &options.faults {
        runner.wait_until_calm()?;
        let incident = runner.run_incident(*fault)?;
        if options.format == ReportFormat::Json {
            print_json(&incident)?;
        }
        incidents.push(incident);
    }
    let summary = Summary::new(&incidents, &runner.finish()?);
    match options.format {
        ReportFormat::Json => print_json(&LastLine { summary })?,
        ReportFormat::Table => print(&report::table(&incidents, &summary))?,
    }
    Ok(summary)
}

#[derive(Serialize)]
struct LastLine {
    summary: Summary,
}

fn print_json(line: &impl Serialize) -> Result<()> {
    print(&format!("{}\n", serde_json::to_string(line)?))
}

fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).context("stdout takes no results")
}

fn random_seed() -> Result<u64> {
    getrandom::u64().context("the system provides no random numbers; choose a --seed")
}
