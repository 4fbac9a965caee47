//! The goals for recovery times, and whether they are met.

use crate::report::sample::{Key, Samples, percentile};
use crate::result::Measurement;

/// A goal for the 95th percentile.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    /// The profile.
    pub profile: &'static str,
    /// The scenario.
    pub scenario: &'static str,
    /// The checkpoint of the scenario.
    pub checkpoint: &'static str,
    /// The measured time.
    pub counted: Counted,
    /// The longest that it may take, in milliseconds.
    pub at_most_ms: f64,
}

/// The time that a goal limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Until the fault is detected.
    Detection,
    /// Until data has gone both ways.
    Total,
}

impl Counted {
    /// Returns this time of a measurement.
    pub fn of(self, measure: &Measurement) -> Option<f64> {
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
    /// Returns the 95th percentile of the measurements, or `None` without any.
    pub fn measured(&self, samples: &Samples<'_>) -> Option<f64> {
        let key = Key {
            profile: self.profile.to_owned(),
            scenario: self.scenario.to_owned(),
            checkpoint: self.checkpoint.to_owned(),
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

const fn total(
    profile: &'static str,
    scenario: &'static str,
    checkpoint: &'static str,
    at_most_ms: f64,
) -> Goal {
    Goal { profile, scenario, checkpoint, counted: Counted::Total, at_most_ms }
}

/// Returns the code that determines the duration of a phase, for the goals that were missed.
pub fn responsible(phase: &str) -> &'static str {
    match phase {
        "detection" => "the health policy's intervals and limits, and the engine's keepalives",
        "no_network" => "none: there is no network",
        "no_signaling" => "the signaling link: its own backoff and dialing",
        "grace" => "the `disconnected_grace` of the profile",
        "backoff" => "the backoff policy of the profile",
        "awaiting_peer" => "the other peer, which has to detect the fault or to offer",
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
    use crate::scenario::action::Action;
    use crate::scenario::table;

    #[test]
    fn every_goal_is_about_a_checkpoint_that_exists() {
        for goal in GOALS {
            let scenario = table::named(goal.scenario).unwrap();
            let named = |action: &Action| matches!(action, Action::AwaitRecovery(checkpoint) if checkpoint.name == goal.checkpoint);
            assert!(scenario.actions.iter().any(named), "{} {}", goal.scenario, goal.checkpoint);
        }
    }
}
