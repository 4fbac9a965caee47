//! What the project set out to reach, and whether it did.

use crate::report::sample::{Key, Samples, percentile};
use crate::row::Measure;

/// One thing to reach, by the 95th percentile.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    /// The profile.
    pub profile: &'static str,
    /// The scenario.
    pub scenario: &'static str,
    /// The stage of the scenario.
    pub stage: &'static str,
    /// What is counted.
    pub counted: Counted,
    /// The longest that it may take, in milliseconds.
    pub at_most_ms: f64,
}

/// What a goal counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Until the fault is noticed.
    Detection,
    /// Until bytes have gone both ways.
    Total,
}

impl Counted {
    /// Returns what a measure says of it.
    pub fn of(self, measure: &Measure) -> Option<f64> {
        match self {
            Self::Detection => measure.detection_ms,
            Self::Total => Some(measure.total_ms),
        }
    }

    /// Returns the word for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Detection => "detection",
            Self::Total => "total",
        }
    }
}

impl Goal {
    /// Returns the 95th percentile of what was measured; none if nothing was.
    pub fn measured(&self, samples: &Samples<'_>) -> Option<f64> {
        let key = Key {
            profile: self.profile.to_owned(),
            scenario: self.scenario.to_owned(),
            stage: self.stage.to_owned(),
        };
        percentile(samples.get(&key)?.iter().filter_map(|measure| self.counted.of(measure)), 0.95)
    }
}

const AGGRESSIVE: &str = "aggressive";
const VDO_NINJA: &str = "vdo-ninja";
const CONSERVATIVE: &str = "conservative";

/// All goals.
///
/// `vdo-ninja` may take 5 s after an event on this machine, and without one the step of its backoff that the outage ends
/// in and 5 s; `conservative` the longest step of its backoff, a minute, and 15 s.
pub const GOALS: [Goal; 34] = [
    total(AGGRESSIVE, "wifi-cell-wifi", "to cellular", 1_000.0),
    total(AGGRESSIVE, "wifi-cell-wifi", "back to WiFi", 1_000.0),
    total(AGGRESSIVE, "warm-spare", "to cellular", 400.0),
    total(AGGRESSIVE, "route-moves", "switch", 1_000.0),
    total(AGGRESSIVE, "path-cut-10", "recovery", 1_000.0),
    total(AGGRESSIVE, "path-cut-35", "recovery", 1_000.0),
    total(AGGRESSIVE, "path-cut-60", "recovery", 1_000.0),
    total(AGGRESSIVE, "outage-10", "recovery", 2_000.0),
    total(AGGRESSIVE, "outage-35", "recovery", 2_000.0),
    total(AGGRESSIVE, "outage-60", "recovery", 2_000.0),
    Goal { counted: Counted::Detection, ..total(AGGRESSIVE, "silent-uplink", "switch", 1_500.0) },
    total(AGGRESSIVE, "silent-uplink", "switch", 3_000.0),
    total(AGGRESSIVE, "server-restart-20", "signaling", 1_500.0),
    total(AGGRESSIVE, "peer-killed", "recovery", 2_000.0),
    total(AGGRESSIVE, "direct-blocked", "relay", 3_000.0),
    total(VDO_NINJA, "wifi-cell-wifi", "to cellular", 5_000.0),
    total(VDO_NINJA, "wifi-cell-wifi", "back to WiFi", 5_000.0),
    total(VDO_NINJA, "route-moves", "switch", 5_000.0),
    total(VDO_NINJA, "path-cut-10", "recovery", 15_000.0),
    total(VDO_NINJA, "path-cut-35", "recovery", 35_000.0),
    total(VDO_NINJA, "path-cut-60", "recovery", 35_000.0),
    total(VDO_NINJA, "outage-10", "recovery", 15_000.0),
    total(VDO_NINJA, "outage-35", "recovery", 35_000.0),
    total(VDO_NINJA, "outage-60", "recovery", 35_000.0),
    total(VDO_NINJA, "server-restart-20", "signaling", 25_000.0),
    total(VDO_NINJA, "peer-killed", "recovery", 10_000.0),
    total(CONSERVATIVE, "wifi-cell-wifi", "to cellular", 75_000.0),
    total(CONSERVATIVE, "route-moves", "switch", 75_000.0),
    total(CONSERVATIVE, "path-cut-10", "recovery", 75_000.0),
    total(CONSERVATIVE, "path-cut-35", "recovery", 75_000.0),
    total(CONSERVATIVE, "outage-10", "recovery", 75_000.0),
    total(CONSERVATIVE, "outage-35", "recovery", 75_000.0),
    total(CONSERVATIVE, "server-restart-20", "signaling", 75_000.0),
    total(CONSERVATIVE, "peer-killed", "recovery", 75_000.0),
];

const fn total(profile: &'static str, scenario: &'static str, stage: &'static str, at_most_ms: f64) -> Goal {
    Goal { profile, scenario, stage, counted: Counted::Total, at_most_ms }
}

/// Returns in whose code an owner of time waits, for the goals that were missed.
pub fn whose(owner: &str) -> &'static str {
    match owner {
        "detection" => "the health policy's intervals and limits, and the engine's keepalives",
        "no_network" => "nobody's: there is no network",
        "no_signaling" => "the signaling link: its own backoff and dialing",
        "grace" => "the `disconnected_grace` of the profile",
        "backoff" => "the backoff policy of the profile",
        "awaiting_peer" => "the other peer, which has to notice or to offer",
        "dialing" => "TCP, TLS and the upgrade",
        "gathering" => "the engine's candidates, STUN included",
        "handshake" => {
            "offer and answer through the server; an offer to a peer that is cut off keeps its `offer_answer` limit of the profile (the machine in core)"
        }
        "ice_checking" => "the engine's connectivity checks (`rtc-ice`)",
        "securing" => "DTLS and SCTP of the engine (`rtc-dtls`, `rtc-sctp`)",
        "verification" => "ping and pong over SCTP, whose retransmission timer backs off (`rtc-sctp`)",
        "dormant" => "the `dormant` limit of the profile",
        _ => "the application's messages",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::act::Act;
    use crate::scenario::table;

    #[test]
    fn every_goal_is_about_a_stage_that_exists() {
        for goal in GOALS {
            let scenario = table::named(goal.scenario).unwrap();
            let named = |act: &Act| matches!(act, Act::Whole(stage) if stage.name == goal.stage);
            assert!(scenario.acts.iter().any(named), "{} {}", goal.scenario, goal.stage);
        }
    }
}
