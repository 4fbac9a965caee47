//! `rejoin completions`: scripts that complete commands and options in a shell.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::Failure;
use crate::stdout::print;

/// Prints a script that completes commands and options in `shell`.
pub(crate) fn run(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "rejoin", &mut script);
    Ok(print(&String::from_utf8_lossy(&script))?)
}
