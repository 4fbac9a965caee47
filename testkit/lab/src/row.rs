//! What is told of a run: one object of JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::foreign::Stack;
use crate::incident::Incident;
use crate::ledger::{Role, Tally};
use crate::plan::Family;
use crate::play::Run;
use crate::program::resources::Resources;

/// What is told of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The scenario.
    pub scenario: String,
    /// The profile of both peers.
    pub profile: String,
    /// The role that was hit.
    pub role: Role,
    /// What played the other role, if it was not rejoin.
    pub other: Option<Stack>,
    /// `4` or `6`.
    pub ip: u8,
    /// The seed of the world.
    pub seed: u64,
    /// The round-trip time to everywhere, in milliseconds.
    pub rtt_ms: f64,
    /// What was measured.
    pub stages: Vec<Measure>,
    /// What became of the messages.
    pub tally: Tally,
    /// What the peers held before anything was broken.
    pub before: BTreeMap<Role, Resources>,
    /// What they held at the end.
    pub after: BTreeMap<Role, Resources>,
    /// What went wrong; the run has passed if there is nothing.
    pub failures: Vec<String>,
    /// How long the run took.
    pub seconds: f64,
}

/// How long a stage took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Its name.
    pub stage: String,
    /// From when on: `break`, `mend` or `notice`.
    pub since: String,
    /// What it cannot be quicker than, in round trips.
    pub limit: String,
    /// The same in milliseconds.
    pub limit_ms: f64,
    /// From the fault until the first peer told of it; none if nobody did.
    pub detection_ms: Option<f64>,
    /// Until bytes had gone both ways, by rejoin's word and by the ledger's.
    pub total_ms: f64,
    /// Until the other link was up again, if it had been down.
    pub other_link_ms: Option<f64>,
    /// The total by phase; they sum to it.
    pub phases: BTreeMap<String, f64>,
    /// The part of the last incident that is within the total, by rejoin's owners.
    pub owners: BTreeMap<String, f64>,
    /// Every incident of the measured link, with who told it.
    pub incidents: Vec<(Role, Incident)>,
}

impl Row {
    /// Creates the row of a run that has not begun.
    pub fn new(run: &Run) -> Self {
        Self {
            scenario: run.scenario.name.to_owned(),
            profile: run.profile.clone(),
            role: run.role,
            other: run.other,
            ip: match run.family {
                Family::V4 => 4,
                Family::V6 => 6,
            },
            seed: run.seed,
            rtt_ms: milliseconds(run.rtt),
            stages: Vec::new(),
            tally: Tally::default(),
            before: BTreeMap::new(),
            after: BTreeMap::new(),
            failures: Vec::new(),
            seconds: 0.0,
        }
    }

    /// Returns whether everything was recovered, verified and delivered, and nothing kept.
    pub fn has_passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Returns a duration as tables tell it.
pub fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::incident::{Link, Part};
    use crate::ledger::Role;

    /// Returns a row of one stage that took so long, most of it before ICE was connected.
    pub(crate) fn row(profile: &str, scenario: &str, total_ms: f64) -> Row {
        let phases = [("handshake", total_ms * 0.9), ("verification", total_ms * 0.1)];
        let owners = [("ice_checking", total_ms * 0.9), ("verification", total_ms * 0.1)];
        let told = |parts: [(&str, f64); 2]| parts.map(|(name, ms)| (name.to_owned(), ms)).into();
        let measure = Measure {
            stage: "recovery".to_owned(),
            since: "mend".to_owned(),
            limit: "11 R".to_owned(),
            limit_ms: 550.0,
            detection_ms: Some(1_000.0),
            total_ms,
            other_link_ms: None,
            phases: told(phases),
            owners: told(owners),
            incidents: vec![(Role::Viewer, incident(total_ms))],
        };
        Row {
            scenario: scenario.to_owned(),
            profile: profile.to_owned(),
            role: Role::Viewer,
            other: None,
            ip: 4,
            seed: 1,
            rtt_ms: 50.0,
            stages: vec![measure],
            tally: Tally { sent: 10, received: 10, ..Tally::default() },
            before: BTreeMap::new(),
            after: BTreeMap::new(),
            failures: Vec::new(),
            seconds: 1.0,
        }
    }

    fn incident(outage_ms: f64) -> Incident {
        let part = |owner: &str, share| Part { owner: owner.to_owned(), took_ms: outage_ms * share };
        Incident {
            link: Link::Peer,
            fault: "probe_unanswered".to_owned(),
            outage_ms,
            steps: vec!["recreate_peer_connection verified".to_owned()],
            timeline: vec![part("ice_checking", 0.9), part("verification", 0.1)],
        }
    }

    #[test]
    fn a_row_survives_its_way_through_json() {
        let row = row("aggressive", "outage-10", 700.0);
        assert_eq!(serde_json::from_str::<Row>(&serde_json::to_string(&row).unwrap()).unwrap(), row);
    }
}
