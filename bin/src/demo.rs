//! `rejoin demo`: real processes, real faults, measured recovery.

pub(crate) mod cast;
pub(crate) mod faults;
mod ledger;
pub(crate) mod peer;
mod report;
mod screen;
mod script;
mod stage;
mod watch;

use std::io::{self, Write as _};

use anyhow::{Context as _, Result};
use rejoin_config::profile;
use serde::Serialize;

use crate::cli::{DemoArgs, ReportFormat};
use crate::failure::Failure;
use crate::interrupts::Interrupts;
use report::{IncidentReport, Summary};
use screen::Screen;
use script::Script;

/// Breaks everything that was asked for and reports.
pub(crate) async fn run(args: DemoArgs) -> Result<(), Failure> {
    if profile(&args.profile).is_none() {
        let problem = format!("no profile is called \"{}\"; `rejoin profiles` lists them", args.profile);
        return Err(Failure::Usage(anyhow::anyhow!(problem)));
    }
    let mut interrupts = Interrupts::listen().context("signals cannot be listened to")?;
    let summary = tokio::select! {
        summary = play(&args) => summary?,
        // Dropping the play kills every process of it.
        () = interrupts.next() => return Err(Failure::Interrupted),
    };
    if summary.is_good() { Ok(()) } else { Err(Failure::Unsatisfied) }
}

async fn play(args: &DemoArgs) -> Result<Summary> {
    let seed = args.seed.map_or_else(random, Ok)?;
    let mut script = Script::begin(&args.profile, seed, Screen::open()).await?;
    let mut incidents: Vec<IncidentReport> = Vec::new();
    for fault in &args.faults {
        script.settle().await?;
        let incident = script.suffer(*fault).await?;
        if args.format == ReportFormat::Json {
            print_json(&incident)?;
        }
        incidents.push(incident);
    }
    let summary = Summary::new(&incidents, script.end().await?);
    match args.format {
        ReportFormat::Json => print_json(&Ending { summary })?,
        ReportFormat::Table => print(&report::table(&incidents, &summary))?,
    }
    Ok(summary)
}

/// The last line of JSON.
#[derive(Serialize)]
struct Ending {
    summary: Summary,
}

fn print_json(line: &impl Serialize) -> Result<()> {
    print(&format!("{}\n", serde_json::to_string(line)?))
}

fn print(page: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(page.as_bytes()).and_then(|()| stdout.flush()).context("stdout takes no results")
}

fn random() -> Result<u64> {
    getrandom::u64().context("the host has no randomness; choose a --seed")
}
