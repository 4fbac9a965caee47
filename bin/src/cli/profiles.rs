//! What can be typed after `rejoin profiles` and `rejoin check`.

use clap::{Args, Subcommand};

use super::config::ConfigArgs;

#[derive(Args, Debug)]
#[command(after_help = PROFILES_EXAMPLES)]
pub(crate) struct ProfilesArgs {
    #[command(subcommand)]
    pub(crate) action: Option<ProfilesAction>,
}

const PROFILES_EXAMPLES: &str = "\
Examples:
  rejoin profiles
  rejoin profiles show aggressive
  rejoin profiles show vdo-ninja --origin
  rejoin profiles diff vdo-ninja aggressive";

#[derive(Debug, Subcommand)]
pub(crate) enum ProfilesAction {
    /// Show every setting of a profile
    #[command(after_help = "Examples:\n  rejoin profiles show conservative --origin")]
    Show {
        /// The profile
        name: String,
        /// Say of every setting where it comes from
        #[arg(long)]
        origin: bool,
    },
    /// Show the settings in which two profiles differ
    #[command(after_help = "Examples:\n  rejoin profiles diff vdo-ninja conservative")]
    Diff {
        /// The one profile
        one: String,
        /// The other profile
        other: String,
    },
}

#[derive(Args, Debug)]
#[command(after_help = CHECK_EXAMPLES)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

const CHECK_EXAMPLES: &str = "\
Prints ok and exits with 0, or says what is wrong and exits with 2.

Examples:
  rejoin check --config rejoin.toml
  rejoin check --profile aggressive --set backoff.exponential.base=2s";
