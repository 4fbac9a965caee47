//! The command line of the lab.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};
use rejoin_demo::harness::Role;

use crate::case::Case;
use crate::error::LabError;
use crate::foreign_peer::Stack;
use crate::measure::{self, Samples};
use crate::parallel::{Outcome, ParallelRuns, SKIPPED};
use crate::result::RunResult;
use crate::scenario::table;
use crate::soak::{self, SoakFault, SoakOptions};
use crate::topology::Family;
use crate::{runner, sandbox, suite};

/// Injects faults into emulated networks under the real binary and checks that it recovers
#[derive(Debug, Parser)]
#[command(name = "rejoin-lab", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run one scenario and print its result as JSON
    Run(RunArgs),
    /// Run a selection of the matrix, or all of it
    Suite(SuiteArgs),
    /// Measure how long recoveries take, and write the documents
    Measure(MeasureArgs),
    /// Write the documents of the measurement whose results are in `--scratch`
    Report(MeasureArgs),
    /// Inject many random faults in one world, between the same two processes
    Soak(SoakArgs),
    /// List the scenarios
    Scenarios,
    /// Accept every connection and drop it
    #[command(hide = true)]
    AcceptAndDrop {
        /// The address to listen on
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
    /// Every scenario under every profile with either role as target, and with IPv6
    #[arg(long)]
    all: bool,
    /// Only runs with a peer of another stack, which the selection has not
    #[arg(long)]
    foreign: bool,
    /// Only scenarios whose name contains this text
    #[arg(long, default_value = "")]
    scenario: String,
    /// Only this profile
    #[arg(long, default_value = "")]
    profile: String,
    /// The seed from which the seeds of the runs are derived
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many labs run at the same time
    #[arg(long, default_value_t = 4)]
    jobs: usize,
    #[command(flatten)]
    tools: Tools,
}

#[derive(Args, Debug)]
struct MeasureArgs {
    /// The seed from which the seeds of the runs are derived
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often every scenario is measured with aggressive
    #[arg(long, default_value_t = 20)]
    samples: u64,
    /// How often every scenario is measured with each of the other profiles
    #[arg(long, default_value_t = 5)]
    other_samples: u64,
    /// Only scenarios whose name contains this text
    #[arg(long, default_value = "")]
    scenario: String,
    /// How many labs run at the same time
    #[arg(long, default_value_t = 4)]
    jobs: usize,
    /// The commit of the binary; the one that is checked out if not given
    #[arg(long)]
    commit: Option<String>,
    /// The directory for the documents
    #[arg(long, default_value = "docs")]
    docs: PathBuf,
    #[command(flatten)]
    tools: Tools,
}

#[derive(Args, Debug)]
struct SoakArgs {
    /// The number of faults
    #[arg(long, default_value_t = 200)]
    faults: u32,
    /// The seed of the world, and of the choice of the faults, their durations and the time between them
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The profile of both peers
    #[arg(long, default_value = "aggressive")]
    profile: String,
    #[command(flatten)]
    tools: Tools,
}

/// The files that every command needs.
#[derive(Args, Debug)]
struct Tools {
    /// The binary under test; the one beside this program if not given
    #[arg(long)]
    rejoin: Option<PathBuf>,
    /// The directory for logs; a new temporary one if not given
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
        fs::create_dir_all(&scratch).with_context(|| format!("{} cannot be created", scratch.display()))?;
        Ok(scratch)
    }
}

/// Runs the command.
///
/// # Errors
/// If it cannot run; a scenario that fails is an exit code instead.
pub fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Run(args) => run_case(&args),
        Command::Suite(args) => run_suite(&args),
        Command::Measure(args) => measure(&args),
        Command::Report(args) => {
            publish(&args, &ParallelRuns::results(&args.tools.scratch()?)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Soak(args) => run_soak(&args),
        Command::Scenarios => {
            for scenario in table::all() {
                print_line(&format!("{:<20} {}", scenario.name, scenario.description))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::AcceptAndDrop { address } => accept_and_drop(&address),
    }
}

fn run_case(args: &RunArgs) -> Result<ExitCode> {
    let mut arguments: Vec<OsString> = vec!["run".into()];
    arguments.extend(args.case.arguments());
    if let Some(reason) = args.case.peer_stack.and_then(Stack::missing) {
        print_error(&reason);
        return Ok(ExitCode::from(u8::try_from(SKIPPED)?));
    }
    if let Some(code) = run_in_sandbox(arguments, &args.tools)? {
        return Ok(code);
    }
    let result = runner::run(&args.case.run(&args.tools.rejoin()?, &args.tools.scratch()?)?)?;
    print_line(&serde_json::to_string(&result)?)?;
    Ok(if result.has_passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Outside of a sandbox, runs the same command inside of one and returns its exit code; inside, prepares it and returns `None`.
fn run_in_sandbox(mut arguments: Vec<OsString>, tools: &Tools) -> Result<Option<ExitCode>> {
    if sandbox::is_inside() {
        sandbox::set_up()?;
        return Ok(None);
    }
    arguments.extend(["--rejoin".into(), tools.rejoin()?.into_os_string()]);
    arguments.extend(["--scratch".into(), tools.scratch()?.into_os_string()]);
    match sandbox::enter(&arguments) {
        Ok(status) => {
            let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
            Ok(Some(ExitCode::from(code)))
        }
        Err(LabError::Unsupported(reason)) => {
            print_error(&reason);
            Ok(Some(ExitCode::from(u8::try_from(SKIPPED)?)))
        }
        Err(error) => Err(error.into()),
    }
}

fn run_soak(args: &SoakArgs) -> Result<ExitCode> {
    let options = [("--faults", args.faults.to_string()), ("--seed", args.seed.to_string())];
    let mut arguments: Vec<OsString> = vec!["soak".into(), "--profile".into(), args.profile.clone().into()];
    arguments.extend(options.into_iter().flat_map(|(key, value)| [key.into(), value.into()]));
    if let Some(code) = run_in_sandbox(arguments, &args.tools)? {
        return Ok(code);
    }
    let (scenario, profile) = ("outage-10".to_owned(), args.profile.clone());
    let case = Case {
        scenario,
        profile,
        target: Role::Viewer,
        peer_stack: None,
        ip: Family::V4,
        rtt: 50,
        seed: args.seed,
    };
    let run = case.run(&args.tools.rejoin()?, &args.tools.scratch()?)?;
    let options = SoakOptions { faults: args.faults, seed: args.seed };
    let result = soak::run(&run, options, |fault| {
        let SoakFault { number, fault, lasted_ms, recovered_after_ms, .. } = fault;
        // A closed stdout does not stop the soak.
        let _ = print_line(&format!(
            "{number:>4}  {fault:<20} {lasted_ms:>7.0} ms, recovered {recovered_after_ms:>6.0} ms after"
        ));
    })?;
    print_line(&format!("\nseed {}, profile {}\n\n{}", args.seed, args.profile, soak::page(&result)))?;
    for failure in &result.failures {
        print_line(&format!("FAILED: {failure}"))?;
    }
    Ok(if result.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn measure(args: &MeasureArgs) -> Result<ExitCode> {
    let samples = Samples { aggressive: args.samples, other_profiles: args.other_samples };
    let cases = measure::cases(args.seed, samples, &args.scenario);
    let runs = ParallelRuns::prepare(&args.tools.rejoin()?, &args.tools.scratch()?, args.jobs)?;
    print_line(&format!(
        "{} runs, {} labs at a time; logs in {}",
        cases.len(),
        args.jobs,
        runs.scratch.display()
    ))?;
    let mut results = Vec::new();
    let outcomes = runs.run(&cases, |case, outcome| {
        if let Outcome::Finished(result) = outcome {
            results.push((**result).clone());
        }
        // A closed stdout does not stop the measurement.
        let _ = print_line(&suite::line(case, outcome));
    })?;
    publish(args, &results)?;
    print_totals(&outcomes)
}

fn publish(args: &MeasureArgs, results: &[RunResult]) -> Result<()> {
    let command = format!(
        "cargo run --release -p rejoin-lab -- measure --seed {} --samples {} --other-samples {} --jobs {}",
        args.seed, args.samples, args.other_samples, args.jobs
    );
    let mut circumstances = measure::circumstances(command, args.jobs)?;
    if let Some(commit) = &args.commit {
        circumstances.commit = format!("commit {commit}");
    }
    measure::publish(results, &circumstances, &args.docs)
}

fn run_suite(args: &SuiteArgs) -> Result<ExitCode> {
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
    let runs = ParallelRuns::prepare(&args.tools.rejoin()?, &args.tools.scratch()?, args.jobs)?;
    print_line(&format!(
        "{} runs, {} labs at a time, seed {}; logs in {}",
        cases.len(),
        args.jobs,
        args.seed,
        runs.scratch.display()
    ))?;
    let outcomes = runs.run(&cases, |case, outcome| {
        // A closed stdout does not stop the suite.
        let _ = print_line(&suite::line(case, outcome));
    })?;
    print_totals(&outcomes)
}

/// Prints how many runs passed and returns the exit code.
fn print_totals(outcomes: &[Outcome]) -> Result<ExitCode> {
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for outcome in outcomes {
        match outcome {
            Outcome::Finished(result) if result.has_passed() => passed += 1,
            Outcome::Finished(_) | Outcome::Broken(_) => failed += 1,
            Outcome::Skipped(_) => skipped += 1,
        }
    }
    print_line(&format!("{passed} passed, {failed} failed, {skipped} skipped"))?;
    let ci = env::var_os("CI").is_some_and(|value| value == "true");
    let good = failed == 0 && !(ci && skipped > 0);
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Accepts every connection and drops it, as an overloaded server or a broken proxy does.
fn accept_and_drop(address: &str) -> Result<ExitCode> {
    let listener = TcpListener::bind(address)?;
    print_line(&format!("accepts and drops at {}", listener.local_addr()?))?;
    for stream in listener.incoming() {
        drop(stream);
    }
    Ok(ExitCode::SUCCESS)
}

fn print_line(line: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()?;
    Ok(())
}

fn print_error(line: &str) {
    // Without stderr the exit code still counts.
    let _ = writeln!(io::stderr(), "{line}");
}
