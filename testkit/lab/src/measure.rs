//! The measurement: its runs, and the documents that are generated from their results.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use rejoin_demo::harness::Role;

use crate::case::Case;
use crate::report::page::Circumstances;
use crate::report::sample::sorted;
use crate::report::{chart, page, values};
use crate::result::RunResult;
use crate::suite::PROFILES;
use crate::topology::Family;

/// The measured scenarios; the long ones first, so that the last ones end together.
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

/// How often every scenario is measured.
#[derive(Clone, Copy, Debug)]
pub struct Samples {
    /// With `aggressive`.
    pub aggressive: u64,
    /// With each of the other profiles.
    pub other_profiles: u64,
}

/// Returns the runs of a measurement, with the roles as targets in turn.
pub fn cases(seed: u64, samples: Samples, only: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for scenario in MEASURED.into_iter().filter(|name| name.contains(only)) {
        for profile in PROFILES {
            let count = if profile == "aggressive" { samples.aggressive } else { samples.other_profiles };
            for number in 0..count {
                let target = if number % 2 == 0 { Role::Viewer } else { Role::Publisher };
                let (scenario, profile) = (scenario.to_owned(), profile.to_owned());
                cases.push(Case {
                    scenario,
                    profile,
                    target,
                    peer_stack: None,
                    ip: Family::V4,
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
pub fn publish(results: &[RunResult], circumstances: &Circumstances, directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)?;
    fs::write(directory.join("benchmarks.csv"), values::csv(results))?;
    fs::write(directory.join("benchmarks.svg"), chart::svg(&sorted(results))?)?;
    fs::write(directory.join("benchmarks.md"), page::markdown(results, circumstances)?)?;
    Ok(())
}

/// Returns the circumstances of a measurement on this machine.
///
/// # Errors
/// If the system does not report them.
pub fn circumstances(command: String, jobs: usize) -> Result<Circumstances> {
    let kernel = output(Command::new("uname").arg("-sr")).context("uname")?;
    let cores = std::thread::available_parallelism()?;
    let commit = output(Command::new("git").args(["describe", "--always", "--abbrev=9"]));
    let commit = commit.map_or_else(|_| "an unknown commit".to_owned(), |commit| format!("commit {commit}"));
    Ok(Circumstances { machine: format!("{cores} cores with {kernel}"), commit, command, jobs })
}

fn output(command: &mut Command) -> Result<String> {
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
    fn the_roles_are_targets_in_turn() {
        let cases = cases(1, Samples { aggressive: 4, other_profiles: 2 }, "peer-killed");
        assert_eq!(cases.len(), 8);
        assert_eq!(cases.iter().filter(|case| case.target == Role::Viewer).count(), 4);
    }
}
