//! The command line of the demonstration.

use clap::{Args, ValueEnum};

use crate::fault::FaultKind;

/// What to break, and how to report it.
#[derive(Args, Clone, Debug)]
#[command(after_help = NOTES)]
pub struct Options {
    /// The profile of both peers
    #[arg(long, default_value = "aggressive")]
    pub profile: String,
    /// How to print the results
    #[arg(long, value_enum, default_value = "table")]
    pub format: ReportFormat,
    /// What to break, in this order; repeat a name to break it again
    #[arg(long, value_enum, value_delimiter = ',', default_value = "server,path,peer,channel")]
    pub faults: Vec<FaultKind>,
    /// The seed of identities and of the random numbers of the peers; random if not given
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
}

/// The same as without arguments on the command line.
impl Default for Options {
    fn default() -> Self {
        let faults = vec![FaultKind::Server, FaultKind::Path, FaultKind::Peer, FaultKind::Channel];
        Self { profile: "aggressive".to_owned(), format: ReportFormat::Table, faults, seed: None }
    }
}

/// How to print the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// A table for people, at the end
    Table,
    /// A line of JSON for every incident, and one with the sums
    Json,
}

const NOTES: &str = "\
A signaling server, a publisher and a viewer run as separate processes and use real WebRTC.
Each peer sends a numbered message every 50 ms, all the time.

What is broken:
  server   the signaling server is killed (kill -9) and comes back after 8 s on the same port;
           recovered when both peers have a verified socket again, and data flowed meanwhile
  path     every UDP datagram of the viewer vanishes, both ways, for 12 s;
           recovered when data flows both ways again and no link is down
  peer     the publisher is killed (kill -9) and started again after 2 s;
           recovered when the viewer has the same identity again, verified
  channel  the publisher's data channel is closed under both peers

What is counted, by the receivers, from the fault until every held message has arrived:
  lost        numbers that never came although a later one of the same process did,
              and at the end of the demonstration what a sender had accepted and nobody received
  duplicated  numbers that came again; reordered: numbers that came after a later one
The peers keep their messages in a directory (--durable): what a killed process had accepted, its successor
delivers, and what it had printed does not count again. If the kill came between a line and the record that it
is printed, the line is printed again under the same position; the summary counts such lines as repeated.

Examples:
  rejoin demo
  rejoin demo --profile vdo-ninja --faults path,path,server
  rejoin demo --format json --seed 7";
