//! `rejoin completions`: the shells' knowledge of our commands and options.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::Failure;
use crate::page::printed;

/// Prints a script that completes commands and options in `shell`.
pub(crate) fn run(shell: Shell) -> Result<(), Failure> {
    let mut page = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "rejoin", &mut page);
    Ok(printed(&String::from_utf8_lossy(&page))?)
}
