//! One cell of the matrix: a scenario under a profile, with a role that is hit, as the command line tells it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};

use crate::foreign::Stack;
use crate::ledger::Role;
use crate::plan::Family;
use crate::play::Run;
use crate::scenario::table;

/// One cell of the matrix.
#[derive(Args, Clone, Debug)]
pub struct Case {
    /// The scenario; `rejoin-lab scenarios` lists them
    #[arg(long)]
    pub scenario: String,
    /// The profile of both peers
    #[arg(long, default_value = "aggressive")]
    pub profile: String,
    /// The role that is hit
    #[arg(long, value_enum, default_value = "viewer")]
    pub hit: Hit,
    /// What plays the other role; another rejoin if not given
    #[arg(long, value_enum)]
    pub other: Option<Stack>,
    /// The addresses
    #[arg(long, value_enum, default_value = "v4")]
    pub ip: Ip,
    /// The round-trip time to everywhere, in milliseconds
    #[arg(long, default_value_t = 50)]
    pub rtt: u64,
    /// The seed of the world
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Which role is hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Hit {
    /// Who sends the stream
    Publisher,
    /// Who views it
    Viewer,
}

/// Which addresses there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Ip {
    /// IPv4 behind NAT
    V4,
    /// IPv6
    V6,
}

impl Case {
    /// Returns the arguments that tell `rejoin-lab` of this case.
    pub fn arguments(&self) -> Vec<OsString> {
        let hit = match self.hit {
            Hit::Publisher => "publisher",
            Hit::Viewer => "viewer",
        };
        let ip = match self.ip {
            Ip::V4 => "v4",
            Ip::V6 => "v6",
        };
        let (rtt, seed) = (self.rtt.to_string(), self.seed.to_string());
        let pairs = [
            ("--scenario", self.scenario.as_str()),
            ("--profile", &self.profile),
            ("--hit", hit),
            ("--ip", ip),
            ("--rtt", &rtt),
            ("--seed", &seed),
        ];
        let other = self.other.map(|stack| ("--other", stack.name()));
        pairs.into_iter().chain(other).flat_map(|(key, value)| [key.into(), value.into()]).collect()
    }

    /// Returns how people tell this case from others.
    pub fn title(&self) -> String {
        let (hit, ip) = (format!("{:?}", self.hit).to_lowercase(), format!("IP{:?}", self.ip).to_lowercase());
        let other = self.other.map_or("rejoin", Stack::name);
        format!("{:<20} {:<13} {hit:<10} {other:<9} {ip:<5}", self.scenario, self.profile)
    }

    /// Returns the run of this case with a binary and a directory for what it leaves.
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
            role: match self.hit {
                Hit::Publisher => Role::Publisher,
                Hit::Viewer => Role::Viewer,
            },
            other: self.other,
            family: match self.ip {
                Ip::V4 => Family::V4,
                Ip::V6 => Family::V6,
            },
            rtt: Duration::from_millis(self.rtt),
            seed: self.seed,
            rejoin: PathBuf::from(rejoin),
            scratch: PathBuf::from(scratch),
        })
    }
}
