//! `rejoin man`: the manual page.

use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::cli::Cli;
use crate::failure::Failure;
use crate::stdout::print;

/// Prints the manual page of `rejoin` in roff, the format that `man` reads.
pub(crate) fn run() -> Result<(), Failure> {
    let mut page = Vec::new();
    Man::new(Cli::command()).render(&mut page).map_err(anyhow::Error::from)?;
    Ok(print(&String::from_utf8_lossy(&page))?)
}
