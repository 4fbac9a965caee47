//! The events of links, read from the JSON Lines that `rejoin join --events` prints.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::recovery::Recovery;

/// A link of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// The link to the signaling server.
    Signaling,
    /// The link to the other peer.
    Peer,
}

impl Link {
    /// Both links.
    pub const BOTH: [Self; 2] = [Self::Signaling, Self::Peer];

    /// Returns the word for tables and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signaling => "signaling",
            Self::Peer => "peer",
        }
    }

    fn of(event: &Value) -> Option<Self> {
        Self::BOTH.into_iter().find(|link| event["link"]["kind"] == link.name())
    }
}

/// What can happen to a link.
#[derive(Clone, Debug, PartialEq)]
pub enum LinkEvent {
    /// It is up for the first time.
    Connected {
        /// The identity of the peer, if the peer sent one.
        identity: Option<String>,
    },
    /// It is down.
    Interrupted {
        /// The name of the fault.
        fault: String,
        /// The fault in words.
        reason: String,
    },
    /// A repair is about to begin.
    Repairing {
        /// The name of the step.
        step: String,
        /// The delay before it, in milliseconds.
        after_ms: f64,
    },
    /// It is up again, verified.
    Recovered(Recovery),
    /// rejoin waits for a change before it tries again.
    Dormant,
    /// The peer left for good.
    PeerLeft,
}

impl LinkEvent {
    /// Reads an event; `None` if it is not an event of a link.
    ///
    /// # Errors
    /// If a `recovered` event has not all of its fields.
    pub fn read(event: &Value) -> Result<Option<(Link, Self)>, String> {
        let text = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        let (link, event) = match event["event"].as_str().unwrap_or_default() {
            "signaling_connected" => (Some(Link::Signaling), Self::Connected { identity: None }),
            "connected" => {
                let identity = event["peer"]["identity"].as_str().map(str::to_owned);
                (Some(Link::Peer), Self::Connected { identity })
            }
            "peer_left" => (Some(Link::Peer), Self::PeerLeft),
            "interrupted" => {
                (Link::of(event), Self::Interrupted { fault: text("fault"), reason: text("reason") })
            }
            "repairing" => {
                let after_ms = event["after_ms"].as_f64().unwrap_or_default();
                (Link::of(event), Self::Repairing { step: text("step"), after_ms })
            }
            "recovered" => {
                let recovery = Deserialize::deserialize(event)
                    .map_err(|error| format!("a recovery without all of its fields ({error}): {event}"))?;
                (Link::of(event), Self::Recovered(recovery))
            }
            "dormant" => (Link::of(event), Self::Dormant),
            _ => return Ok(None),
        };
        Ok(link.map(|link| (link, event)))
    }

    /// Returns whether the link is up after this event; `None` if the event does not change that.
    pub fn is_up(&self) -> Option<bool> {
        match self {
            Self::Connected { .. } | Self::Recovered(_) => Some(true),
            Self::Interrupted { .. } | Self::Dormant | Self::PeerLeft => Some(false),
            Self::Repairing { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_link_event_names_its_link() {
        let event = json!({"event": "interrupted", "link": {"kind": "peer"}, "fault": "f", "reason": "r"});
        let read = LinkEvent::Interrupted { fault: "f".to_owned(), reason: "r".to_owned() };
        assert_eq!(LinkEvent::read(&event), Ok(Some((Link::Peer, read))));
        assert_eq!(LinkEvent::read(&json!({"event": "room_joined"})), Ok(None));
    }

    #[test]
    fn a_recovery_without_its_fields_is_an_error() {
        let event = json!({"event": "recovered", "link": {"kind": "peer"}});
        assert!(LinkEvent::read(&event).unwrap_err().contains("without all of its fields"));
    }
}
