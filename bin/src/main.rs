//! rejoin: keeps VDO.Ninja and Social Stream WebRTC connections alive, from the command line.

mod cli;
mod completions;
mod config_args;
mod demo;
mod durable;
mod endpoint;
mod failure;
mod health;
mod history;
mod ice_server;
mod interrupts;
mod join;
mod log;
mod man;
mod output;
mod profiles;
mod schema;
mod serve;
mod service_manager;
mod session;
mod session_file;
mod social_stream;
mod stdout;

use std::future::Future;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser as _;

use crate::cli::{Cli, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    let Cli { command, log } = Cli::parse();
    let command = command.unwrap_or_else(|| Command::Demo(rejoin_demo::Options::default()));
    match run(command, log.as_deref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                // There is no other place for the message if stderr is closed.
                let _ = writeln!(io::stderr(), "error: {message}");
            }
            failure.exit_code()
        }
    }
}

fn run(command: Command, log: Option<&str>) -> Result<(), Failure> {
    let log_to_stderr = |level| log::to_stderr(log, level).map_err(Failure::Usage);
    match command {
        Command::Join(args) => {
            let _log = log_to_stderr("info")?;
            block_on(join::run(args))
        }
        Command::Serve(args) => {
            let _log = log_to_stderr("info")?;
            block_on(serve::run(args))
        }
        Command::Profiles(args) => profiles::profiles(&args),
        Command::Policies => profiles::policies(),
        Command::Schema { document } => schema::run(document),
        Command::Check(args) => profiles::check(&args),
        Command::History(args) => history::run(&args),
        Command::Completions { shell } => completions::run(shell),
        Command::Man => man::run(),
        Command::Demo(options) => {
            let _log = log_to_stderr("warn")?;
            block_on(demo::run(options))
        }
        Command::DemoPeer(args) => {
            let _log = log_to_stderr("error")?;
            block_on(demo::peer::run(args))
        }
    }
}

fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot start; the system may lack threads or file descriptors")?;
    let result = runtime.block_on(work);
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    result
}

/// The limit for blocking threads at the end, such as those that wait for a busy disk or a change of every interface.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_blocked_thread_does_not_block_the_end() {
        let (release, held) = mpsc::channel::<()>();
        let ended = block_on(async move {
            tokio::task::spawn_blocking(move || held.recv());
            Ok(())
        });
        assert!(ended.is_ok());
        drop(release);
    }
}
