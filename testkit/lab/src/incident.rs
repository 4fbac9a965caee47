//! An incident as rejoin tells it: what broke, what was tried, and who owned every millisecond.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which kind of link an incident was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// The one to the signaling server.
    Signaling,
    /// The one to the peer.
    Peer,
}

impl Link {
    /// Reads the link of an event.
    pub fn of(event: &Value) -> Option<Self> {
        match event["link"]["kind"].as_str()? {
            "signaling" => Some(Self::Signaling),
            "peer" => Some(Self::Peer),
            _ => None,
        }
    }

    /// Returns the word for tables and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signaling => "signaling",
            Self::Peer => "peer",
        }
    }
}

/// A part of an incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Whose time it was, in rejoin's words.
    #[serde(rename = "phase")]
    pub owner: String,
    /// How long, in milliseconds.
    pub took_ms: f64,
}

/// A closed incident.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// The link.
    pub link: Link,
    /// What broke.
    pub fault: String,
    /// From the last sign of life to verified bytes, in milliseconds.
    pub outage_ms: f64,
    /// The steps that were tried, each with its outcome, as in `restart_ice verified`.
    pub steps: Vec<String>,
    /// Who owned the time, in order.
    pub timeline: Vec<Part>,
}

/// The parts of an incident may differ from its whole by what rounding to microseconds does, and no more than this.
pub const TOLERANCE_MS: f64 = 1.0;

impl Incident {
    /// Reads a `recovered` event.
    ///
    /// # Errors
    /// If a field is missing, or if the parts do not sum to the whole within [`TOLERANCE_MS`].
    pub fn read(event: &Value) -> Result<Self, String> {
        let strange = || format!("a recovery without its fields: {event}");
        let link = Link::of(event).ok_or_else(strange)?;
        let fault = event["fault"].as_str().ok_or_else(strange)?.to_owned();
        let outage_ms = event["outage_ms"].as_f64().ok_or_else(strange)?;
        let timeline: Vec<Part> = serde_json::from_value(event["timeline"].clone())
            .map_err(|error| format!("{error} in {event}"))?;
        let step = |step: &Value| {
            let (name, outcome) = (step["step"].as_str()?, step["outcome"].as_str().unwrap_or("unknown"));
            Some(format!("{name} {outcome}"))
        };
        let steps = event["steps"].as_array().ok_or_else(strange)?.iter().filter_map(step).collect();
        let sum: f64 = timeline.iter().map(|part| part.took_ms).sum();
        if (sum - outage_ms).abs() > TOLERANCE_MS {
            return Err(format!("the owners sum to {sum:.3} ms and not to {outage_ms:.3}: {event}"));
        }
        Ok(Self { link, fault, outage_ms, steps, timeline })
    }

    /// Returns who owned the last `window` of the incident, in milliseconds by owner.
    pub fn last(&self, window: Duration) -> BTreeMap<String, f64> {
        let mut left = window.as_secs_f64() * 1e3;
        let mut owners = BTreeMap::new();
        for part in self.timeline.iter().rev() {
            let took = part.took_ms.min(left);
            left -= took;
            if took > 0.0 {
                *owners.entry(part.owner.clone()).or_insert(0.0) += took;
            }
        }
        owners
    }
}

/// What a reader of the measurement wants to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Until it was noticed.
    Detection,
    /// Waiting: for the network, for signaling, for the peer, for a link to heal by itself, or between two tries.
    Waits,
    /// Dialing, offer and answer, ICE, DTLS and the channel.
    Handshake,
    /// Ping and pong.
    Verification,
    /// From rejoin's own verification until messages of the application had arrived both ways.
    Delivery,
}

impl Phase {
    /// All, in the order in which they come.
    pub const ALL: [Self; 5] =
        [Self::Detection, Self::Waits, Self::Handshake, Self::Verification, Self::Delivery];

    /// Returns the word for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Detection => "detection",
            Self::Waits => "waits",
            Self::Handshake => "handshake",
            Self::Verification => "verification",
            Self::Delivery => "delivery",
        }
    }

    /// Returns the phase to which rejoin's owner belongs; `None` for a word that is unknown here.
    pub fn of(owner: &str) -> Option<Self> {
        match owner {
            "detection" => Some(Self::Detection),
            "no_network" | "no_signaling" | "grace" | "backoff" | "awaiting_peer" | "dormant" => {
                Some(Self::Waits)
            }
            "dialing" | "gathering" | "handshake" | "ice_checking" | "securing" => Some(Self::Handshake),
            "verification" => Some(Self::Verification),
            "delivery" => Some(Self::Delivery),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_recovery_is_read_with_everything_in_it() {
        let incident = Incident::read(&recovered(1_250.0)).unwrap();
        assert_eq!((incident.link, incident.fault.as_str()), (Link::Peer, "probe_unanswered"));
        assert_eq!(incident.steps, ["recreate_peer_connection verified"]);
        assert_eq!(incident.timeline.len(), 3);
    }

    #[test]
    fn a_millisecond_without_owner_is_an_error() {
        assert!(Incident::read(&recovered(1_252.0)).unwrap_err().contains("sum to 1250.000"));
        assert!(Incident::read(&json!({"event": "recovered"})).is_err());
    }

    #[test]
    fn the_end_of_an_incident_can_be_told_by_itself() {
        let incident = Incident::read(&recovered(1_250.0)).unwrap();
        let owners = incident.last(Duration::from_millis(300));
        let expected = [("handshake", 200.0), ("verification", 50.0), ("detection", 50.0)];
        assert_eq!(owners, expected.map(|(owner, ms)| (owner.to_owned(), ms)).into());
        assert_eq!(incident.last(Duration::from_secs(9)).values().sum::<f64>(), 1_250.0);
    }

    #[test]
    fn every_owner_that_is_known_belongs_to_a_phase() {
        assert_eq!(Phase::of("grace"), Some(Phase::Waits));
        assert_eq!(Phase::of("weather"), None);
    }

    fn recovered(outage_ms: f64) -> Value {
        json!({
            "event": "recovered", "link": {"kind": "peer", "name": "s", "direction": "viewing"},
            "fault": "probe_unanswered", "outage_ms": outage_ms,
            "steps": [{"step": "recreate_peer_connection", "outcome": "verified", "took_ms": 200.0}],
            "timeline": [
                {"phase": "detection", "took_ms": 1_000.0},
                {"phase": "handshake", "took_ms": 200.0},
                {"phase": "verification", "took_ms": 50.0},
            ],
        })
    }
}
