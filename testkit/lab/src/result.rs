//! The result of a run: one object of JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use rejoin_demo::harness::{MessageCounts, Recovery, Role};
use serde::{Deserialize, Serialize};

use crate::foreign_peer::Stack;
use crate::resources::Resources;
use crate::run::Run;
use crate::topology::Family;

/// The result of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// The scenario.
    pub scenario: String,
    /// The profile of both peers.
    pub profile: String,
    /// The role that the faults targeted.
    pub role: Role,
    /// The stack of the other peer, if it was not rejoin.
    pub peer_stack: Option<Stack>,
    /// `4` or `6`.
    pub ip: u8,
    /// The seed of the world.
    pub seed: u64,
    /// The round-trip time between any two hosts, in milliseconds.
    pub rtt_ms: f64,
    /// What was measured.
    pub checkpoints: Vec<Measurement>,
    /// What became of the messages.
    pub counts: MessageCounts,
    /// What the peers used before the first fault.
    pub before: BTreeMap<Role, Resources>,
    /// What they used at the end.
    pub after: BTreeMap<Role, Resources>,
    /// What went wrong; the run has passed if this is empty.
    pub failures: Vec<String>,
    /// How long the run took.
    pub seconds: f64,
}

/// How long the recovery of a checkpoint took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Its name.
    pub checkpoint: String,
    /// The beginning of the measurement: `inject`, `heal` or `detect`.
    pub since: String,
    /// The time that the protocols need at least, in round trips.
    pub limit: String,
    /// The same in milliseconds.
    pub limit_ms: f64,
    /// From the fault until the first peer detected it; none if no peer did.
    pub detection_ms: Option<f64>,
    /// Until data had gone both ways, by rejoin's report and by the audit.
    pub total_ms: f64,
    /// Until the other link was up again, if it had been down.
    pub other_link_ms: Option<f64>,
    /// The total by group of phases; the groups sum to it.
    pub groups: BTreeMap<String, f64>,
    /// The part of the last incident that is within the total, by phase.
    pub phases: BTreeMap<String, f64>,
    /// Every incident of the measured link, with the peer that reported it.
    pub incidents: Vec<(Role, Recovery)>,
}

impl RunResult {
    /// Creates the result of a run that has not begun.
    pub fn new(run: &Run) -> Self {
        Self {
            scenario: run.scenario.name.to_owned(),
            profile: run.profile.clone(),
            role: run.role,
            peer_stack: run.peer_stack,
            ip: match run.family {
                Family::V4 => 4,
                Family::V6 => 6,
            },
            seed: run.seed,
            rtt_ms: milliseconds(run.rtt),
            checkpoints: Vec::new(),
            counts: MessageCounts::default(),
            before: BTreeMap::new(),
            after: BTreeMap::new(),
            failures: Vec::new(),
            seconds: 0.0,
        }
    }

    /// Returns whether everything recovered, was verified and delivered, and all resources were released.
    pub fn has_passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Returns a duration in milliseconds, rounded to microseconds.
pub fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
pub(crate) mod tests {
    use rejoin_demo::harness::{PhaseDuration, RecoveryStep};

    use super::*;

    /// Returns a result with one checkpoint, most of whose time passed before ICE was connected.
    pub(crate) fn result(profile: &str, scenario: &str, total_ms: f64) -> RunResult {
        let groups = [("handshake", total_ms * 0.9), ("verification", total_ms * 0.1)];
        let phases = [("ice_checking", total_ms * 0.9), ("verification", total_ms * 0.1)];
        let named = |parts: [(&str, f64); 2]| parts.map(|(name, ms)| (name.to_owned(), ms)).into();
        let measurement = Measurement {
            checkpoint: "recovery".to_owned(),
            since: "heal".to_owned(),
            limit: "11 R".to_owned(),
            limit_ms: 550.0,
            detection_ms: Some(1_000.0),
            total_ms,
            other_link_ms: None,
            groups: named(groups),
            phases: named(phases),
            incidents: vec![(Role::Viewer, incident(total_ms))],
        };
        RunResult {
            scenario: scenario.to_owned(),
            profile: profile.to_owned(),
            role: Role::Viewer,
            peer_stack: None,
            ip: 4,
            seed: 1,
            rtt_ms: 50.0,
            checkpoints: vec![measurement],
            counts: MessageCounts { sent: 10, received: 10, ..MessageCounts::default() },
            before: BTreeMap::new(),
            after: BTreeMap::new(),
            failures: Vec::new(),
            seconds: 1.0,
        }
    }

    fn incident(outage_ms: f64) -> Recovery {
        let part = |phase: &str, share| PhaseDuration { phase: phase.to_owned(), took_ms: outage_ms * share };
        Recovery {
            peer: None,
            fault: "probe_unanswered".to_owned(),
            outage_ms,
            steps: vec![RecoveryStep {
                step: "recreate_peer_connection".to_owned(),
                outcome: "verified".to_owned(),
            }],
            timeline: vec![part("ice_checking", 0.9), part("verification", 0.1)],
        }
    }

    #[test]
    fn a_result_survives_its_json() {
        let result = result("aggressive", "outage-10", 700.0);
        assert_eq!(
            serde_json::from_str::<RunResult>(&serde_json::to_string(&result).unwrap()).unwrap(),
            result
        );
    }
}
