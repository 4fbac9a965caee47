//! rejoin: keeps VDO.Ninja and Social Stream WebRTC connections alive, from the command line.

mod choice;
mod cli;
mod demo;
mod endpoint;
mod failure;
mod health;
mod ice_server;
mod interrupts;
mod join;
mod output;
mod profiles;
mod serve;
mod service_manager;
mod session;
mod social_stream;

use std::future::Future;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command, DemoArgs};
use crate::failure::Failure;

fn main() -> ExitCode {
    let command = Cli::parse().command.unwrap_or_else(|| Command::Demo(DemoArgs::default()));
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                // Nobody is left to tell if stderr is gone.
                let _ = writeln!(io::stderr(), "error: {message}");
            }
            failure.exit_code()
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Join(args) => {
            log_to_stderr("info");
            block_on(join::run(args))
        }
        Command::Serve(args) => {
            log_to_stderr("info");
            block_on(serve::run(args))
        }
        Command::Profiles(args) => profiles::profiles(&args),
        Command::Policies => profiles::policies(),
        Command::Check(args) => profiles::check(&args),
        Command::Demo(args) => {
            log_to_stderr("warn");
            block_on(demo::run(args))
        }
        Command::DemoPeer(args) => {
            log_to_stderr("error");
            block_on(demo::peer::run(args))
        }
    }
}

fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no runtime can be built; the system may lack threads or file descriptors")?;
    runtime.block_on(work)
}

/// Logs to stderr what `RUST_LOG` asks for, or else what our crates tell at `level`.
fn log_to_stderr(level: &str) {
    let quiet = if level == "error" { "error" } else { "warn" };
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(format!("{quiet},rtc=error,webrtc=error,rejoin={level}")));
    let colour = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colour).with_writer(io::stderr).init();
}
