//! rejoin-lab: runs scenarios in a lab; see the library for what a lab is.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser as _;
use rejoin_lab::cli::{self, Cli};

fn main() -> Result<ExitCode> {
    cli::run(Cli::parse())
}
