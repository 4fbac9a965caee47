//! The measurement: which runs it takes, and the documents that are made of them.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::case::{Case, Hit, Ip};
use crate::report::page::Circumstances;
use crate::report::sample::sorted;
use crate::report::{chart, page, values};
use crate::row::Row;
use crate::suite::PROFILES;

/// What is measured; the long ones first, so that none is waited for at the end.
pub const MEASURED: [&str; 17] = [
    "outage-60",
    "path-cut-60",
    "path-cut-35",
    "outage-35",
    "silent-uplink",
    "server-restart-20",
    "path-cut-10",
    "outage-10",
    "carrier-lost",
    "direct-blocked",
    "one-way-deaf",
    "warm-spare",
    "silent-uplink-spare",
    "wifi-cell-wifi",
    "route-moves",
    "nat-rebind",
    "peer-killed",
];

/// How often something is measured.
#[derive(Clone, Copy, Debug)]
pub struct Samples {
    /// Under `aggressive`.
    pub aggressive: u64,
    /// Under every other profile.
    pub others: u64,
}

/// Returns the runs of a measurement; the roles take turns.
pub fn cases(seed: u64, samples: Samples, only: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for scenario in MEASURED.into_iter().filter(|name| name.contains(only)) {
        for profile in PROFILES {
            let count = if profile == "aggressive" { samples.aggressive } else { samples.others };
            for number in 0..count {
                let hit = if number % 2 == 0 { Hit::Viewer } else { Hit::Publisher };
                let (scenario, profile) = (scenario.to_owned(), profile.to_owned());
                cases.push(Case {
                    scenario,
                    profile,
                    hit,
                    other: None,
                    ip: Ip::V4,
                    rtt: 50,
                    seed: seed * 10_000 + number,
                });
            }
        }
    }
    cases
}

/// Writes `benchmarks.md`, `benchmarks.csv` and `benchmarks.svg` to a directory.
///
/// # Errors
/// If they cannot be written.
pub fn publish(rows: &[Row], circumstances: &Circumstances, directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)?;
    fs::write(directory.join("benchmarks.csv"), values::csv(rows))?;
    fs::write(directory.join("benchmarks.svg"), chart::svg(&sorted(rows))?)?;
    fs::write(directory.join("benchmarks.md"), page::markdown(rows, circumstances)?)?;
    Ok(())
}

/// Returns what can be said of this machine and of what it measures.
///
/// # Errors
/// If the system does not tell.
pub fn circumstances(command: String, labs: usize) -> Result<Circumstances> {
    let kernel = told(Command::new("uname").arg("-sr")).context("uname")?;
    let cores = std::thread::available_parallelism()?;
    let commit = told(Command::new("git").args(["describe", "--always", "--abbrev=9"]));
    let commit = commit.map_or_else(|_| "an unknown commit".to_owned(), |commit| format!("commit {commit}"));
    Ok(Circumstances { machine: format!("{cores} cores with {kernel}"), commit, command, labs })
}

fn told(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    anyhow::ensure!(output.status.success(), "{}", output.status);
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::goals::GOALS;

    #[test]
    fn every_goal_is_measured() {
        for goal in GOALS {
            assert!(MEASURED.contains(&goal.scenario), "{}", goal.scenario);
        }
    }

    #[test]
    fn the_roles_take_turns() {
        let cases = cases(1, Samples { aggressive: 4, others: 2 }, "peer-killed");
        assert_eq!(cases.len(), 8);
        assert_eq!(cases.iter().filter(|case| case.hit == Hit::Viewer).count(), 4);
    }
}
