//! What can be typed, and what it does.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};

use crate::case::{Case, Hit, Ip};
use crate::enclosure;
use crate::error::LabError;
use crate::fleet::{Ending, Fleet, SKIPPED};
use crate::foreign::Stack;
use crate::measure::{self, Samples};
use crate::row::Row;
use crate::scenario::table;
use crate::soak::{self, Wish};
use crate::suite;

/// Breaks real networks under the real binary and watches it recover
#[derive(Debug, Parser)]
#[command(name = "rejoin-lab", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play one scenario and print its row as JSON
    Run(RunArgs),
    /// Play a selection of the matrix, or all of it
    Suite(SuiteArgs),
    /// Measure how long recoveries take, and write the documents that tell it
    Measure(MeasureArgs),
    /// Write the documents of the measurement that has left its rows in `--scratch`
    Report(MeasureArgs),
    /// Break one world at random, many times, between the same two processes
    Soak(SoakArgs),
    /// List the scenarios
    Scenarios,
    /// Accept every connection and drop it
    #[command(hide = true)]
    AcceptAndDrop {
        /// Where to listen
        address: String,
    },
}

#[derive(Args, Debug)]
struct RunArgs {
    #[command(flatten)]
    case: Case,
    #[command(flatten)]
    tools: Tools,
}

#[derive(Args, Debug)]
struct SuiteArgs {
    /// Every scenario under every profile with either role hit, and with IPv6
    #[arg(long)]
    all: bool,
    /// Only against foreign peers, of which the selection has none
    #[arg(long)]
    foreign: bool,
    /// Only scenarios whose name contains this
    #[arg(long, default_value = "")]
    scenario: String,
    /// Only this profile
    #[arg(long, default_value = "")]
    profile: String,
    /// The seed of the seeds
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many labs run at a time
    #[arg(long, default_value_t = 4)]
    labs: usize,
    #[command(flatten)]
    tools: Tools,
}

#[derive(Args, Debug)]
struct MeasureArgs {
    /// The seed of the seeds
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often everything is measured under aggressive
    #[arg(long, default_value_t = 20)]
    samples: u64,
    /// How often everything is measured under the other profiles
    #[arg(long, default_value_t = 5)]
    others: u64,
    /// Only scenarios whose name contains this
    #[arg(long, default_value = "")]
    scenario: String,
    /// How many labs run at a time
    #[arg(long, default_value_t = 4)]
    labs: usize,
    /// The commit that the binary was built from; the one that is checked out if not given
    #[arg(long)]
    commit: Option<String>,
    /// Where the documents go
    #[arg(long, default_value = "docs")]
    docs: PathBuf,
    #[command(flatten)]
    tools: Tools,
}

#[derive(Args, Debug)]
struct SoakArgs {
    /// How many faults
    #[arg(long, default_value_t = 200)]
    faults: u32,
    /// The seed of the world, and of which faults there are, for how long and how far apart
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The profile of both peers
    #[arg(long, default_value = "aggressive")]
    profile: String,
    #[command(flatten)]
    tools: Tools,
}

/// What every command needs.
#[derive(Args, Debug)]
struct Tools {
    /// The binary under test; the one beside this program if not given
    #[arg(long)]
    rejoin: Option<PathBuf>,
    /// Where logs are left; a new directory for temporary files if not given
    #[arg(long)]
    scratch: Option<PathBuf>,
}

impl Tools {
    fn rejoin(&self) -> Result<PathBuf> {
        match &self.rejoin {
            Some(path) => Ok(path.clone()),
            None => Ok(env::current_exe()?.with_file_name("rejoin")),
        }
    }

    fn scratch(&self) -> Result<PathBuf> {
        let scratch = match &self.scratch {
            Some(path) => path.clone(),
            None => env::temp_dir().join(format!("rejoin-lab-{}", std::process::id())),
        };
        fs::create_dir_all(&scratch).with_context(|| format!("{} cannot be made", scratch.display()))?;
        Ok(scratch)
    }
}

/// Does what was typed.
///
/// # Errors
/// If it cannot be done; a scenario that failed is an exit code instead.
pub fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Run(args) => play(&args),
        Command::Suite(args) => play_suite(&args),
        Command::Measure(args) => play_measurement(&args),
        Command::Report(args) => {
            publish(&args, &Fleet::rows(&args.tools.scratch()?)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Soak(args) => play_soak(&args),
        Command::Scenarios => {
            for scenario in table::all() {
                say(&format!("{:<20} {}", scenario.name, scenario.story))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::AcceptAndDrop { address } => accept_and_drop(&address),
    }
}

fn play(args: &RunArgs) -> Result<ExitCode> {
    let mut arguments: Vec<OsString> = vec!["run".into()];
    arguments.extend(args.case.arguments());
    if let Some(reason) = args.case.other.and_then(Stack::missing) {
        complain(&reason);
        return Ok(ExitCode::from(u8::try_from(SKIPPED)?));
    }
    if let Some(code) = enclose(arguments, &args.tools)? {
        return Ok(code);
    }
    let row = args.case.run(&args.tools.rejoin()?, &args.tools.scratch()?)?.play()?;
    say(&serde_json::to_string(&row)?)?;
    Ok(if row.has_passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Outside of an enclosure this runs the same command inside of one and returns its code; inside it returns none.
fn enclose(mut arguments: Vec<OsString>, tools: &Tools) -> Result<Option<ExitCode>> {
    if enclosure::enclosed() {
        enclosure::settle()?;
        return Ok(None);
    }
    arguments.extend(["--rejoin".into(), tools.rejoin()?.into_os_string()]);
    arguments.extend(["--scratch".into(), tools.scratch()?.into_os_string()]);
    match enclosure::enter(&arguments) {
        Ok(status) => {
            let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
            Ok(Some(ExitCode::from(code)))
        }
        Err(LabError::Unsupported(reason)) => {
            complain(&reason);
            Ok(Some(ExitCode::from(u8::try_from(SKIPPED)?)))
        }
        Err(error) => Err(error.into()),
    }
}

fn play_soak(args: &SoakArgs) -> Result<ExitCode> {
    let told = [("--faults", args.faults.to_string()), ("--seed", args.seed.to_string())];
    let mut arguments: Vec<OsString> = vec!["soak".into(), "--profile".into(), args.profile.clone().into()];
    arguments.extend(told.into_iter().flat_map(|(key, value)| [key.into(), value.into()]));
    if let Some(code) = enclose(arguments, &args.tools)? {
        return Ok(code);
    }
    let (scenario, profile) = ("outage-10".to_owned(), args.profile.clone());
    let case =
        Case { scenario, profile, hit: Hit::Viewer, other: None, ip: Ip::V4, rtt: 50, seed: args.seed };
    let run = case.run(&args.tools.rejoin()?, &args.tools.scratch()?)?;
    let wish = Wish { faults: args.faults, seed: args.seed };
    let outcome = soak::play(&run, wish, |wound| {
        let soak::Wound { number, fault, lasted_ms, whole_after_ms, .. } = wound;
        // A reader that has gone does not stop the soak.
        let _ = say(&format!(
            "{number:>4}  {fault:<20} {lasted_ms:>7.0} ms, whole {whole_after_ms:>6.0} ms after"
        ));
    })?;
    say(&format!("\nseed {}, profile {}\n\n{}", args.seed, args.profile, soak::page(&outcome)))?;
    for failure in &outcome.failures {
        say(&format!("FAILED: {failure}"))?;
    }
    Ok(if outcome.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn play_measurement(args: &MeasureArgs) -> Result<ExitCode> {
    let samples = Samples { aggressive: args.samples, others: args.others };
    let cases = measure::cases(args.seed, samples, &args.scenario);
    let fleet = Fleet::prepare(&args.tools.rejoin()?, &args.tools.scratch()?, args.labs)?;
    say(&format!("{} runs, {} labs at a time; logs in {}", cases.len(), args.labs, fleet.scratch.display()))?;
    let mut rows = Vec::new();
    let endings = fleet.run(&cases, |case, ending| {
        if let Ending::Played(row) = ending {
            rows.push((**row).clone());
        }
        // A reader that has gone does not stop the measurement.
        let _ = say(&suite::line(case, ending));
    })?;
    publish(args, &rows)?;
    conclude(&endings)
}

fn publish(args: &MeasureArgs, rows: &[Row]) -> Result<()> {
    let command = format!(
        "cargo run --release -p rejoin-lab -- measure --seed {} --samples {} --others {} --labs {}",
        args.seed, args.samples, args.others, args.labs
    );
    let mut circumstances = measure::circumstances(command, args.labs)?;
    if let Some(commit) = &args.commit {
        circumstances.commit = format!("commit {commit}");
    }
    measure::publish(rows, &circumstances, &args.docs)
}

fn play_suite(args: &SuiteArgs) -> Result<ExitCode> {
    let cases = match (args.foreign, args.all) {
        (true, true) => suite::foreign(args.seed),
        (true, false) => suite::representative_foreign(args.seed),
        (false, true) => suite::everything(args.seed),
        (false, false) => suite::representative(args.seed),
    };
    let chosen = |case: &Case| {
        case.scenario.contains(&args.scenario) && (args.profile.is_empty() || case.profile == args.profile)
    };
    let cases: Vec<_> = cases.into_iter().filter(chosen).collect();
    let fleet = Fleet::prepare(&args.tools.rejoin()?, &args.tools.scratch()?, args.labs)?;
    say(&format!(
        "{} runs, {} labs at a time, seed {}; logs in {}",
        cases.len(),
        args.labs,
        args.seed,
        fleet.scratch.display()
    ))?;
    let endings = fleet.run(&cases, |case, ending| {
        // A reader that has gone does not stop the suite.
        let _ = say(&suite::line(case, ending));
    })?;
    conclude(&endings)
}

/// Counts, and says what an exit code says.
fn conclude(endings: &[Ending]) -> Result<ExitCode> {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for ending in endings {
        match ending {
            Ending::Played(row) if row.has_passed() => passed += 1,
            Ending::Played(_) | Ending::Broken(_) => failed += 1,
            Ending::Skipped(_) => skipped += 1,
        }
    }
    say(&format!("{passed} passed, {failed} failed, {skipped} skipped"))?;
    let ci = env::var_os("CI").is_some_and(|value| value == "true");
    let good = failed == 0 && !(ci && skipped > 0);
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a server in trouble does: it takes every connection and drops it.
fn accept_and_drop(address: &str) -> Result<ExitCode> {
    let listener = TcpListener::bind(address)?;
    say(&format!("accepts and drops at {}", listener.local_addr()?))?;
    for stream in listener.incoming() {
        drop(stream);
    }
    Ok(ExitCode::SUCCESS)
}

fn say(line: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()?;
    Ok(())
}

fn complain(line: &str) {
    // Nobody is left to be told if stderr is gone.
    let _ = writeln!(io::stderr(), "{line}");
}
