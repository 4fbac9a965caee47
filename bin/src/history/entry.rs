//! One closed incident, as a line of the history.

use std::time::Duration;

use rejoin::Direction;
use rejoin::output::{LinkName, OutagePhase, Recovery};
use rejoin::policy::{Outcome, RecoveryStep, Tried};
use serde::{Deserialize, Serialize};

/// An incident and how it ended; unknown fields come from a newer program and are ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// When it started, in milliseconds since 1970.
    pub(super) started: u64,
    /// The link that failed.
    pub(super) link: Link,
    /// The kind of fault.
    pub(super) fault: String,
    /// The description of the fault.
    pub(super) reason: String,
    /// How it ended.
    pub(super) outcome: Ending,
    /// The duration of the outage, in milliseconds.
    pub(super) outage_ms: u64,
    /// The steps tried, in order.
    pub(super) steps: Vec<Step>,
    /// The phases of the outage, in order.
    pub(super) timeline: Vec<Share>,
}

/// A link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub(super) enum Link {
    /// The link to the signaling server.
    Signaling,
    /// The link to a peer.
    Peer {
        /// The peer's name.
        name: String,
        /// The direction of the stream.
        direction: Direction,
    },
}

/// How an incident ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ending {
    /// The link was verified.
    Recovered,
    /// The retries were used up and the link became dormant; a later recovery is a separate entry.
    Dormant,
}

/// A step that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Step {
    /// The step.
    pub(super) step: RecoveryStep,
    /// How it ended; unknown if the link became dormant meanwhile.
    pub(super) outcome: Option<Outcome>,
    /// Its duration, in milliseconds.
    pub(super) took_ms: Option<u64>,
}

/// A part of an outage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Share {
    /// The phase.
    #[serde(alias = "owner")]
    pub(super) phase: String,
    /// Its duration, in milliseconds.
    pub(super) took_ms: u64,
}

impl Entry {
    /// Returns the entry of an incident that recovered at `now`, in milliseconds since 1970.
    pub(super) fn recovered(recovery: &Recovery, now: u64) -> Self {
        let outage_ms = milliseconds(recovery.outage);
        let step = |tried: &Tried| Step {
            step: tried.step,
            outcome: Some(tried.outcome),
            took_ms: Some(milliseconds(tried.took)),
        };
        let share = |(phase, took): &(OutagePhase, Duration)| Share {
            phase: phase.name().to_owned(),
            took_ms: milliseconds(*took),
        };
        Self {
            started: now.saturating_sub(outage_ms),
            link: Link::from(&recovery.link),
            fault: recovery.fault.name().to_owned(),
            reason: recovery.fault.to_string(),
            outcome: Ending::Recovered,
            outage_ms,
            steps: recovery.tried.iter().map(step).collect(),
            timeline: recovery.timeline.iter().map(share).collect(),
        }
    }
}

impl From<&LinkName> for Link {
    fn from(name: &LinkName) -> Self {
        match name {
            LinkName::Signaling => Self::Signaling,
            LinkName::Peer(key) => Self::Peer { name: key.peer.to_string(), direction: key.direction },
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
