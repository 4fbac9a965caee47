//! One closed incident, as a line of the history.

use std::time::Duration;

use rejoin_core::Direction;
use rejoin_core::output::{LinkName, OutagePhase, Recovery};
use rejoin_core::policy::{Outcome, RecoveryStep, Tried};
use serde::{Deserialize, Serialize};

/// An incident and how it ended; unknown fields are of a newer program and are passed over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// When it began, in milliseconds since 1970.
    pub(super) started: u64,
    /// What broke down.
    pub(super) link: Link,
    /// The kind of fault.
    pub(super) fault: String,
    /// The fault in words.
    pub(super) reason: String,
    /// How it ended.
    pub(super) outcome: Ending,
    /// How long it took, in milliseconds.
    pub(super) outage_ms: u64,
    /// What was tried, in order.
    pub(super) steps: Vec<Step>,
    /// Who owned the time, in order.
    pub(super) timeline: Vec<Share>,
}

/// Which link it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub(super) enum Link {
    /// The one to the signaling server.
    Signaling,
    /// One to a peer.
    Peer {
        /// The peer's name.
        name: String,
        /// Who sends the stream.
        direction: Direction,
    },
}

/// How an incident ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ending {
    /// Bytes went both ways again.
    Recovered,
    /// The retries were spent, and the link went to sleep; if it recovers later, that is an entry of its own.
    Dormant,
}

/// A repair that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Step {
    /// Which.
    pub(super) step: RecoveryStep,
    /// How it ended; unknown if the link went to sleep over it.
    pub(super) outcome: Option<Outcome>,
    /// How long it took, in milliseconds.
    pub(super) took_ms: Option<u64>,
}

/// A part of an outage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Share {
    /// Whose it was.
    #[serde(alias = "owner")]
    pub(super) phase: String,
    /// How long it took, in milliseconds.
    pub(super) took_ms: u64,
}

impl Entry {
    /// Returns the entry of an incident that ended well at `now`, in milliseconds since 1970.
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
