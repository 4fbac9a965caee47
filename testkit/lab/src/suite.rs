//! The matrix: which cases there are, and a line for every one that was run.

use std::collections::BTreeSet;

use crate::case::{Case, Hit, Ip};
use crate::fleet::Ending;
use crate::foreign::Stack;
use crate::scenario::table;

/// The profiles.
pub const PROFILES: [&str; 3] = ["aggressive", "vdo-ninja", "conservative"];

/// What foreign peers are played against: no path, no server, another uplink.
const FOREIGN: [&str; 3] = ["path-cut-10", "server-restart", "wifi-cell-wifi"];

/// Returns every scenario under every profile with either role hit, once more with IPv6, and all with foreign peers.
pub fn everything(seed: u64) -> Vec<Case> {
    let mut cases = Vec::new();
    for (ip, hits) in [(Ip::V4, &[Hit::Publisher, Hit::Viewer][..]), (Ip::V6, &[Hit::Viewer][..])] {
        for profile in PROFILES {
            for scenario in table::all() {
                for hit in hits {
                    cases.push(case(scenario.name, profile, *hit, ip));
                }
            }
        }
    }
    cases.extend(every_foreign());
    seeded(cases, seed)
}

/// Returns the scenarios that are played against foreign peers, with rejoin in either role against each stack.
pub fn foreign(seed: u64) -> Vec<Case> {
    seeded(every_foreign(), seed)
}

/// Returns of those a selection that touches every one of them, both roles and both stacks, in about a minute.
pub fn representative_foreign(seed: u64) -> Vec<Case> {
    let cases = [
        ("path-cut-10", Hit::Viewer, Stack::Chromium),
        ("path-cut-10", Hit::Publisher, Stack::Wrtc),
        ("server-restart", Hit::Viewer, Stack::Wrtc),
        ("wifi-cell-wifi", Hit::Publisher, Stack::Chromium),
    ];
    seeded(cases.map(|(scenario, hit, stack)| against(scenario, hit, stack)).into(), seed)
}

fn every_foreign() -> Vec<Case> {
    let mut cases = Vec::new();
    for scenario in FOREIGN {
        for hit in [Hit::Publisher, Hit::Viewer] {
            cases.extend(Stack::ALL.map(|stack| against(scenario, hit, stack)));
        }
    }
    cases
}

fn against(scenario: &str, hit: Hit, stack: Stack) -> Case {
    Case { other: Some(stack), ..case(scenario, "aggressive", hit, Ip::V4) }
}

/// Returns a selection that touches every chapter, every profile, both roles and both families in some minutes.
pub fn representative(seed: u64) -> Vec<Case> {
    use Hit::{Publisher, Viewer};
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
    .map(|(scenario, profile, hit)| case(scenario, profile, hit, Ip::V4))
    .into();
    cases.push(case("path-cut-10", "aggressive", Viewer, Ip::V6));
    cases.push(case("wifi-cell-wifi", "aggressive", Publisher, Ip::V6));
    seeded(cases, seed)
}

fn case(scenario: &str, profile: &str, hit: Hit, ip: Ip) -> Case {
    Case {
        scenario: scenario.to_owned(),
        profile: profile.to_owned(),
        hit,
        other: None,
        ip,
        rtt: 50,
        seed: 0,
    }
}

/// Every case gets a seed of its own, which its line tells.
fn seeded(cases: Vec<Case>, seed: u64) -> Vec<Case> {
    let numbered = (seed.wrapping_mul(1_000)..).zip(cases);
    numbered.map(|(seed, case)| Case { seed, ..case }).collect()
}

/// Returns the line of a case.
pub fn line(case: &Case, ending: &Ending) -> String {
    let title = case.title();
    let seed = case.seed;
    match ending {
        Ending::Played(row) => {
            let word = if row.has_passed() { "passed" } else { "FAILED" };
            let stages: Vec<_> = row
                .stages
                .iter()
                .map(|stage| {
                    let steps: BTreeSet<_> =
                        stage.incidents.iter().flat_map(|(_, incident)| incident.steps.clone()).collect();
                    let steps: Vec<_> = steps.into_iter().collect();
                    let detected =
                        stage.detection_ms.map_or("unnoticed".to_owned(), |ms| format!("noticed {ms:.0}"));
                    format!("{} {:.0} ms ({detected}; {})", stage.stage, stage.total_ms, steps.join(", "))
                })
                .collect();
            let mut line =
                format!("{word}  {title} seed {seed}  {:>5.1} s  {}", row.seconds, stages.join("; "));
            for failure in &row.failures {
                line.push_str(&format!("\n        {failure}"));
            }
            line
        }
        Ending::Skipped(reason) => format!("SKIP: {title} {reason}"),
        Ending::Broken(reason) => format!("BROKEN  {title} seed {seed}  {reason}"),
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
        let chapters: BTreeSet<_> =
            cases.iter().filter_map(|case| Some(table::named(&case.scenario)?.chapter)).collect();
        let profiles: BTreeSet<_> = cases.iter().map(|case| case.profile.as_str()).collect();
        assert_eq!((chapters.len(), profiles), (7, PROFILES.into()));
    }

    #[test]
    fn everything_has_every_scenario_under_every_profile_with_either_role() {
        let rejoin = everything(1).into_iter().filter(|case| case.other.is_none());
        assert_eq!(rejoin.count(), table::all().len() * PROFILES.len() * 3);
    }

    #[test]
    fn everything_has_each_foreign_stack_in_either_role_in_each_of_its_scenarios() {
        let foreign = everything(1).into_iter().filter(|case| case.other.is_some());
        assert_eq!(foreign.count(), FOREIGN.len() * Stack::ALL.len() * 2);
    }
}
