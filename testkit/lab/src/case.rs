//! One cell of the matrix: a scenario with its profile, target role and address family, as command line arguments.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::foreign_peer::Stack;
use crate::run::Run;
use crate::scenario::table;
use crate::topology::Family;
use rejoin_demo::harness::Role;

/// One cell of the matrix.
#[derive(Args, Clone, Debug)]
pub struct Case {
    /// The scenario; `rejoin-lab scenarios` lists them
    #[arg(long)]
    pub scenario: String,
    /// The profile of both peers
    #[arg(long, default_value = "aggressive")]
    pub profile: String,
    /// The role that the faults target
    #[arg(long, value_enum, default_value = "viewer")]
    pub target: Role,
    /// The stack of the other peer; rejoin if not given
    #[arg(long, value_enum)]
    pub peer_stack: Option<Stack>,
    /// The address family
    #[arg(long, value_enum, default_value = "v4")]
    pub ip: Family,
    /// The round-trip time between any two hosts, in milliseconds
    #[arg(long, default_value_t = 50)]
    pub rtt: u64,
    /// The seed of the world
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

impl Case {
    /// Returns the arguments of `rejoin-lab run` for this case.
    pub fn arguments(&self) -> Vec<OsString> {
        let (rtt, seed) = (self.rtt.to_string(), self.seed.to_string());
        let pairs = [
            ("--scenario", self.scenario.as_str()),
            ("--profile", &self.profile),
            ("--target", self.target.name()),
            ("--ip", self.ip.name()),
            ("--rtt", &rtt),
            ("--seed", &seed),
        ];
        let peer_stack = self.peer_stack.map(|stack| ("--peer-stack", stack.name()));
        pairs.into_iter().chain(peer_stack).flat_map(|(key, value)| [key.into(), value.into()]).collect()
    }

    /// Returns the text that identifies the case for people.
    pub fn title(&self) -> String {
        let (target, ip) = (self.target.name(), format!("ip{}", self.ip.name()));
        let peer_stack = self.peer_stack.map_or("rejoin", Stack::name);
        format!("{:<20} {:<13} {target:<10} {peer_stack:<9} {ip:<5}", self.scenario, self.profile)
    }

    /// Returns the run of this case with a binary and a directory for its logs.
    ///
    /// # Errors
    /// If no scenario has this name.
    pub fn run(&self, rejoin: &Path, scratch: &Path) -> Result<Run> {
        let scenario = table::named(&self.scenario).with_context(|| {
            format!("no scenario is called \"{}\"; rejoin-lab scenarios lists them", self.scenario)
        })?;
        Ok(Run {
            scenario,
            profile: self.profile.clone(),
            role: self.target,
            peer_stack: self.peer_stack,
            family: self.ip,
            rtt: Duration::from_millis(self.rtt),
            seed: self.seed,
            rejoin: PathBuf::from(rejoin),
            scratch: PathBuf::from(scratch),
        })
    }
}
