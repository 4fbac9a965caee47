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

use crate::case::Case;
use crate::enclosure;
use crate::error::LabError;
use crate::fleet::{Ending, Fleet, SKIPPED};
use crate::scenario::table;
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
        Command::Scenarios => {
            for scenario in table::all() {
                say(&format!("{:<20} {}", scenario.name, scenario.story))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::AcceptAndDrop { address } => accept_and_drop(&address),
    }
}

/// Outside of an enclosure it only makes one, and does the same inside.
fn play(args: &RunArgs) -> Result<ExitCode> {
    if !enclosure::enclosed() {
        let mut arguments: Vec<OsString> = vec!["run".into()];
        arguments.extend(args.case.arguments());
        arguments.extend(["--rejoin".into(), args.tools.rejoin()?.into_os_string()]);
        arguments.extend(["--scratch".into(), args.tools.scratch()?.into_os_string()]);
        return match enclosure::enter(&arguments) {
            Ok(status) => {
                Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
            }
            Err(LabError::Unsupported(reason)) => {
                complain(&reason);
                Ok(ExitCode::from(u8::try_from(SKIPPED)?))
            }
            Err(error) => Err(error.into()),
        };
    }
    enclosure::settle()?;
    let row = args.case.run(&args.tools.rejoin()?, &args.tools.scratch()?)?.play()?;
    say(&serde_json::to_string(&row)?)?;
    Ok(if row.has_passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn play_suite(args: &SuiteArgs) -> Result<ExitCode> {
    let cases = if args.all { suite::everything(args.seed) } else { suite::representative(args.seed) };
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
