//! The arguments that choose a configuration.

use std::path::PathBuf;

use clap::Args;

/// Which policies, by layers.
#[derive(Args, Clone, Debug)]
pub(crate) struct ConfigArgs {
    /// The profile to start from; `rejoin profiles` lists them
    #[arg(long)]
    pub(crate) profile: Option<String>,
    /// A TOML file over the profile
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// One setting over everything else, as in `backoff.use=constant`; repeat it for more
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<String>,
}
