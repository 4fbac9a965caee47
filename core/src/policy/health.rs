//! The question of life: is this link alive?

use std::fmt::Debug;
use std::time::{Duration, Instant};

use crate::fault::Link;
use crate::ice::IceConnectionState;
use crate::platform::Platform;
use crate::rtt::Rtt;

/// Tells a live link from a dead one.
pub trait HealthProbe: Debug + Send + Sync {
    /// Examines one link; asked when an answer arrives and whenever the last checkup expires.
    fn examine(&self, log: &HealthContext<'_>) -> Checkup;
}

/// A probe that was sent: a WebSocket ping on the signaling link, `{"ping":…}` on a data channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// When it left.
    pub sent_at: Instant,
    /// When its answer came, however late.
    pub answered_at: Option<Instant>,
}

/// What a [`HealthProbe`] may look at.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct HealthContext<'a> {
    /// The kind of link.
    pub link: Link,
    /// Whose heartbeat rules apply.
    pub platform: Platform,
    /// The time of the question.
    pub now: Instant,
    /// When the link came up.
    pub up_since: Instant,
    /// Recent probes, oldest first.
    pub probes: &'a [Probe],
    /// When the last answer came, to any probe.
    pub acknowledged_at: Option<Instant>,
    /// When anything at all last came.
    pub last_received: Option<Instant>,
    /// Bytes handed over and not acknowledged by the peer's transport.
    pub bytes_due: u64,
    /// The path's round-trip time.
    pub rtt: Option<Rtt>,
    /// What ICE says; `None` on the signaling link.
    pub ice: Option<IceConnectionState>,
    /// The peer's ICE has answered a check of ours since then, as far as is known while probes are unanswered.
    ///
    /// Packets went both ways (RFC 7675), so what is missing on the channel waits for SCTP to send it again.
    pub consented_since: Option<Instant>,
}

impl<'a> HealthContext<'a> {
    /// Creates the log of a link that came up at `up_since` and has not been probed; set fields as needed.
    pub fn new(link: Link, platform: Platform, up_since: Instant, now: Instant) -> Self {
        Self {
            link,
            platform,
            now,
            up_since,
            probes: &[],
            acknowledged_at: None,
            last_received: None,
            bytes_due: 0,
            rtt: None,
            ice: None,
            consented_since: None,
        }
    }

    /// Returns the probes that nothing has answered since they left: neither their own answer nor a later one.
    pub fn unanswered(&self) -> impl Iterator<Item = &'a Probe> {
        let acknowledged_at = self.acknowledged_at;
        self.probes.iter().filter(move |probe| {
            probe.answered_at.is_none() && acknowledged_at.is_none_or(|at| at < probe.sent_at)
        })
    }
}

/// What a [`HealthProbe`] concluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkup {
    /// The verdict.
    pub health: Health,
    /// Whether to send a probe now.
    pub probe: bool,
    /// When to ask again at the latest.
    pub again_in: Duration,
}

/// Liveness of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// It answers.
    Alive,
    /// It may be dead; writing is paused and signaling takes the socket.
    Suspect,
    /// It is dead: an incident opens.
    Dead,
}
