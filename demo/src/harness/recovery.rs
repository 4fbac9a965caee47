//! A closed incident as rejoin reports it: what broke, what was tried, and the phase of every millisecond.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A closed incident: the fields of a `recovered` event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// The peer, if the link leads to one.
    #[serde(default)]
    pub peer: Option<PeerIdentity>,
    /// The name of the fault.
    pub fault: String,
    /// From the last sign of life to verified bytes, in milliseconds.
    pub outage_ms: f64,
    /// The steps that were tried.
    pub steps: Vec<RecoveryStep>,
    /// The phases of the outage, in order; they sum to the whole.
    pub timeline: Vec<PhaseDuration>,
}

/// The peer at the other end of a link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeerIdentity {
    /// Its identity, if it sent one.
    #[serde(default)]
    pub identity: Option<String>,
}

/// A step that was tried; written as `restart_ice verified`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecoveryStep {
    /// Its name.
    pub step: String,
    /// How it ended.
    pub outcome: String,
}

impl fmt::Display for RecoveryStep {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.step, self.outcome)
    }
}

/// A part of an outage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseDuration {
    /// The name of the phase.
    pub phase: String,
    /// How long it took, in milliseconds.
    pub took_ms: f64,
}

/// The phases may differ from the whole by what rounding to microseconds does, and no more than this.
pub const TIMELINE_TOLERANCE_MS: f64 = 1.0;

impl Recovery {
    /// Checks that the phases sum to the whole within [`TIMELINE_TOLERANCE_MS`].
    ///
    /// # Errors
    /// If they do not.
    pub fn check_timeline(&self) -> Result<(), String> {
        let sum: f64 = self.timeline.iter().map(|part| part.took_ms).sum();
        if (sum - self.outage_ms).abs() > TIMELINE_TOLERANCE_MS {
            return Err(format!("the phases sum to {sum:.3} ms and not to {:.3}: {self:?}", self.outage_ms));
        }
        Ok(())
    }

    /// Returns how long each phase took within the last `window` of the outage, in milliseconds.
    pub fn last_phases(&self, window: Duration) -> BTreeMap<String, f64> {
        let mut left = window.as_secs_f64() * 1e3;
        let mut phases = BTreeMap::new();
        for part in self.timeline.iter().rev() {
            let took = part.took_ms.min(left);
            left -= took;
            if took > 0.0 {
                *phases.entry(part.phase.clone()).or_insert(0.0) += took;
            }
        }
        phases
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_recovery_is_read_with_everything_in_it() {
        let recovery = recovered(1_250.0);
        assert_eq!(recovery.fault, "probe_unanswered");
        assert_eq!(recovery.steps[0].to_string(), "recreate_peer_connection verified");
        assert_eq!(recovery.timeline.len(), 3);
        assert_eq!(recovery.check_timeline(), Ok(()));
    }

    #[test]
    fn a_millisecond_without_phase_is_an_error() {
        assert!(recovered(1_252.0).check_timeline().unwrap_err().contains("sum to 1250.000"));
    }

    #[test]
    fn the_end_of_an_outage_can_be_measured_by_itself() {
        let recovery = recovered(1_250.0);
        let expected = [("handshake", 200.0), ("verification", 50.0), ("detection", 50.0)];
        let phases = recovery.last_phases(Duration::from_millis(300));
        assert_eq!(phases, expected.map(|(phase, ms)| (phase.to_owned(), ms)).into());
        assert_eq!(recovery.last_phases(Duration::from_secs(9)).values().sum::<f64>(), 1_250.0);
    }

    fn recovered(outage_ms: f64) -> Recovery {
        let event = json!({
            "event": "recovered", "link": {"kind": "peer", "name": "s", "direction": "viewing"},
            "fault": "probe_unanswered", "outage_ms": outage_ms,
            "steps": [{"step": "recreate_peer_connection", "outcome": "verified", "took_ms": 200.0}],
            "timeline": [
                {"phase": "detection", "took_ms": 1_000.0},
                {"phase": "handshake", "took_ms": 200.0},
                {"phase": "verification", "took_ms": 50.0},
            ],
        });
        serde_json::from_value(event).unwrap()
    }
}
