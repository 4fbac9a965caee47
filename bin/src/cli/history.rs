//! What can be typed after `rejoin history`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct HistoryArgs {
    /// The file that `rejoin join --session` was given
    #[arg(long, value_name = "FILE")]
    pub(crate) session: PathBuf,
    /// How to print the incidents
    #[arg(long, value_enum, default_value = "table")]
    pub(crate) format: HistoryFormat,
    /// Print the newest incidents only
    #[arg(long, value_name = "NUMBER")]
    pub(crate) last: Option<usize>,
}

const EXAMPLES: &str = "\
The 1,000 newest incidents are kept, in FILE.history; the session may be running.

Examples:
  rejoin history --session bot.json
  rejoin history --session bot.json --last 10
  rejoin history --session bot.json --format csv > incidents.csv
  rejoin history --session bot.json --format json | jq .outage_ms";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HistoryFormat {
    /// A table for people
    Table,
    /// A line of JSON for every incident
    Json,
    /// A header and a line for every incident, for spreadsheets
    Csv,
}
