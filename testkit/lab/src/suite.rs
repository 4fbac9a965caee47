//! The matrix of cases, and the line that reports each run.

use std::collections::BTreeSet;

use rejoin_demo::harness::Role;

use crate::case::Case;
use crate::foreign_peer::Stack;
use crate::parallel::Outcome;
use crate::scenario::table;
use crate::topology::Family;

/// The profiles.
pub const PROFILES: [&str; 3] = ["aggressive", "vdo-ninja", "conservative"];

/// The scenarios for foreign peers: no path, no server, another uplink.
const FOREIGN: [&str; 3] = ["path-cut-10", "server-restart", "wifi-cell-wifi"];

/// Returns every scenario with every profile and either role as target, with IPv6, and all cases with foreign peers.
pub fn everything(seed: u64) -> Vec<Case> {
    let mut cases = Vec::new();
    for (ip, targets) in
        [(Family::V4, &[Role::Publisher, Role::Viewer][..]), (Family::V6, &[Role::Viewer][..])]
    {
        for profile in PROFILES {
            for scenario in table::all() {
                for target in targets {
                    cases.push(case(scenario.name, profile, *target, ip));
                }
            }
        }
    }
    cases.extend(every_foreign());
    seeded(cases, seed)
}

/// Returns all cases with foreign peers: rejoin in either role with each stack.
pub fn foreign(seed: u64) -> Vec<Case> {
    seeded(every_foreign(), seed)
}

/// Returns a selection with every scenario, both roles and both stacks, which takes about a minute.
pub fn representative_foreign(seed: u64) -> Vec<Case> {
    let cases = [
        ("path-cut-10", Role::Viewer, Stack::Chromium),
        ("path-cut-10", Role::Publisher, Stack::Wrtc),
        ("server-restart", Role::Viewer, Stack::Wrtc),
        ("wifi-cell-wifi", Role::Publisher, Stack::Chromium),
    ];
    seeded(cases.map(|(scenario, target, stack)| with_stack(scenario, target, stack)).into(), seed)
}

fn every_foreign() -> Vec<Case> {
    let mut cases = Vec::new();
    for scenario in FOREIGN {
        for target in [Role::Publisher, Role::Viewer] {
            cases.extend(Stack::ALL.map(|stack| with_stack(scenario, target, stack)));
        }
    }
    cases
}

fn with_stack(scenario: &str, target: Role, stack: Stack) -> Case {
    Case { peer_stack: Some(stack), ..case(scenario, "aggressive", target, Family::V4) }
}

/// Returns a selection with every category, every profile, both roles and both families, which takes some minutes.
pub fn representative(seed: u64) -> Vec<Case> {
    use Role::{Publisher, Viewer};
    let mut cases: Vec<_> = [
        ("server-restart", "conservative", Viewer),
        ("path-cut-10", "conservative", Publisher),
        ("platform-windows", "vdo-ninja", Viewer),
        ("platform-macos", "vdo-ninja", Publisher),
        ("server-restart", "vdo-ninja", Publisher),
        ("outage-10", "vdo-ninja", Viewer),
        ("wifi-cell-wifi", "vdo-ninja", Publisher),
        ("peer-killed", "vdo-ninja", Publisher),
        ("wifi-cell-wifi", "conservative", Viewer),
        ("outage-35", "aggressive", Publisher),
        ("carrier-lost", "aggressive", Viewer),
        ("server-restart-20", "aggressive", Viewer),
        ("accepts-and-drops", "aggressive", Publisher),
        ("stun-blocked", "aggressive", Viewer),
        ("direct-blocked", "aggressive", Publisher),
        ("heavy-loss", "aggressive", Viewer),
        ("loss-and-cut", "aggressive", Publisher),
        ("wifi-cell-wifi", "aggressive", Viewer),
        ("route-moves", "aggressive", Publisher),
        ("silent-uplink", "aggressive", Viewer),
        ("nat-rebind", "aggressive", Publisher),
        ("one-way-deaf", "aggressive", Viewer),
        ("one-way-mute", "aggressive", Publisher),
        ("peer-killed", "aggressive", Viewer),
    ]
    .map(|(scenario, profile, target)| case(scenario, profile, target, Family::V4))
    .into();
    cases.push(case("path-cut-10", "aggressive", Viewer, Family::V6));
    cases.push(case("wifi-cell-wifi", "aggressive", Publisher, Family::V6));
    seeded(cases, seed)
}

fn case(scenario: &str, profile: &str, target: Role, ip: Family) -> Case {
    Case {
        scenario: scenario.to_owned(),
        profile: profile.to_owned(),
        target,
        peer_stack: None,
        ip,
        rtt: 50,
        seed: 0,
    }
}

/// Gives every case a seed of its own, which its line shows.
fn seeded(cases: Vec<Case>, seed: u64) -> Vec<Case> {
    let numbered = (seed.wrapping_mul(1_000)..).zip(cases);
    numbered.map(|(seed, case)| Case { seed, ..case }).collect()
}

/// Returns the line that reports a run.
pub fn line(case: &Case, outcome: &Outcome) -> String {
    let title = case.title();
    let seed = case.seed;
    match outcome {
        Outcome::Finished(result) => {
            let word = if result.has_passed() { "passed" } else { "FAILED" };
            let checkpoints: Vec<_> = result
                .checkpoints
                .iter()
                .map(|checkpoint| {
                    let steps: BTreeSet<_> = checkpoint
                        .incidents
                        .iter()
                        .flat_map(|(_, incident)| incident.steps.iter().map(ToString::to_string))
                        .collect();
                    let steps: Vec<_> = steps.into_iter().collect();
                    let detected = checkpoint
                        .detection_ms
                        .map_or("undetected".to_owned(), |ms| format!("detected {ms:.0}"));
                    format!(
                        "{} {:.0} ms ({detected}; {})",
                        checkpoint.checkpoint,
                        checkpoint.total_ms,
                        steps.join(", ")
                    )
                })
                .collect();
            let mut line =
                format!("{word}  {title} seed {seed}  {:>5.1} s  {}", result.seconds, checkpoints.join("; "));
            for failure in &result.failures {
                line.push_str(&format!("\n        {failure}"));
            }
            line
        }
        Outcome::Skipped(reason) => format!("SKIP: {title} {reason}"),
        Outcome::Broken(reason) => format!("BROKEN  {title} seed {seed}  {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chosen_scenario_exists() {
        for case in [representative(1), representative_foreign(1), everything(1)].iter().flatten() {
            assert!(table::named(&case.scenario).is_some(), "{}", case.scenario);
        }
    }

    #[test]
    fn the_selection_touches_every_chapter_and_every_profile() {
        let cases = representative(1);
        let categories: BTreeSet<_> =
            cases.iter().filter_map(|case| Some(table::named(&case.scenario)?.category)).collect();
        let profiles: BTreeSet<_> = cases.iter().map(|case| case.profile.as_str()).collect();
        assert_eq!((categories.len(), profiles), (7, PROFILES.into()));
    }

    #[test]
    fn everything_has_every_scenario_under_every_profile_with_either_role() {
        let rejoin = everything(1).into_iter().filter(|case| case.peer_stack.is_none());
        assert_eq!(rejoin.count(), table::all().len() * PROFILES.len() * 3);
    }

    #[test]
    fn everything_has_each_foreign_stack_in_either_role_in_each_of_its_scenarios() {
        let foreign = everything(1).into_iter().filter(|case| case.peer_stack.is_some());
        assert_eq!(foreign.count(), FOREIGN.len() * Stack::ALL.len() * 2);
    }
}
