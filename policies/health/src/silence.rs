//! `silence`: a link is probed only after a long silence, and is dead if it stays silent.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use rejoin_core::policy::{Checkup, Health, HealthContext, Probe};
use rejoin_core::{HealthProbe, Link};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::{interval, misses};

/// Probes a link only after a long silence; any received data counts as an answer.
///
/// ICE detects a broken path by its own checks in both directions (RFC 7675), at no extra cost.
/// This probe detects what ICE cannot: a dead SCTP association over a working path.
/// A probe is missed `timeout` and two round trips after it left; the next leaves when the one before is missed.
/// The first miss makes a link suspect, and any received data clears the suspicion.
/// A peer that has never answered a probe is judged by ICE alone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Silence {
    /// How long a peer may be silent before it is probed.
    #[serde(with = "interval")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub after: Duration,
    /// The time after which an unanswered ping over the data channel is missed, in addition to two round trips.
    #[serde(with = "interval")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub timeout: Duration,
    /// Missed pings in a row after which the peer is dead.
    #[serde(deserialize_with = "misses::few")]
    #[schemars(range(max = 32))]
    pub misses: NonZeroU32,
    /// How long the signaling server may be silent before it is pinged.
    #[serde(with = "interval")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub signaling_after: Duration,
    /// The time after which an unanswered ping of the signaling server is missed, in addition to two round trips.
    #[serde(with = "interval")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub signaling_timeout: Duration,
    /// Missed pings in a row after which the socket is dead.
    #[serde(deserialize_with = "misses::few")]
    #[schemars(range(max = 32))]
    pub signaling_misses: NonZeroU32,
}

impl Default for Silence {
    /// Returns a policy that costs a silent link a ping a minute, and finds a dead socket within 45 s.
    fn default() -> Self {
        let two = NonZeroU32::MIN.saturating_add(1);
        Self {
            // ICE has found every broken path long before.
            after: Duration::from_secs(60),
            // A sleeping radio wakes within seconds.
            timeout: Duration::from_secs(10),
            // One lost ping proves nothing.
            misses: two,
            // Proxies close idle sockets after 30 to 60 s.
            signaling_after: Duration::from_secs(25),
            // TCP has sent a lost ping again several times by then.
            signaling_timeout: Duration::from_secs(10),
            signaling_misses: two,
        }
    }
}

/// How long a link may be silent, and what its misses mean.
#[derive(Clone, Copy, Debug)]
struct ProbeLimits {
    after: Duration,
    limit: Duration,
    misses: usize,
}

impl Silence {
    fn limits(&self, log: &HealthContext<'_>) -> ProbeLimits {
        let (after, timeout, misses) = match log.link {
            Link::Signaling => (self.signaling_after, self.signaling_timeout, self.signaling_misses),
            Link::Peer => (self.after, self.timeout, self.misses),
        };
        let round_trip = log.rtt.map_or(Duration::ZERO, |rtt| rtt.smoothed);
        let limit = timeout.saturating_add(round_trip.saturating_mul(2));
        ProbeLimits { after, limit, misses: usize::try_from(misses.get()).unwrap_or(usize::MAX) }
    }
}

impl HealthProbe for Silence {
    fn examine(&self, log: &HealthContext<'_>) -> Checkup {
        let ProbeLimits { after, limit, misses } = self.limits(log);
        let silent_since = last_sign_of_life(log);
        // What left before the last sign of life is answered by it.
        let open: Vec<&Probe> = log.unanswered().filter(|probe| probe.sent_at >= silent_since).collect();
        let missed = open.iter().filter(|probe| age(log.now, probe.sent_at) >= limit).count();
        let health = if missed == 0 || lives_by_ice(log) {
            Health::Alive
        } else if missed >= misses {
            Health::Dead
        } else {
            Health::Suspect
        };
        let next_probe_in = match open.last() {
            None => Some(after.saturating_sub(age(log.now, silent_since))),
            Some(last) if open.len() < misses => Some(limit.saturating_sub(age(log.now, last.sent_at))),
            Some(_) => None,
        };
        let probe = health != Health::Dead && next_probe_in.is_some_and(|left| left.is_zero());
        let next_miss_in =
            open.last().map(|last| limit.saturating_sub(age(log.now, last.sent_at))).filter(|l| !l.is_zero());
        let again_in = if probe { limit } else { next_probe_in.or(next_miss_in).unwrap_or(after) };
        Checkup { health, probe, again_in: again_in.max(interval::MIN_CHECKUP_INTERVAL) }
    }
}

/// Returns when anything last came, or the link came up.
fn last_sign_of_life(log: &HealthContext<'_>) -> Instant {
    [log.acknowledged_at, log.last_received].into_iter().flatten().fold(log.up_since, Instant::max)
}

/// Returns whether the peer answers no probes, ever, and ICE calls its path good.
fn lives_by_ice(log: &HealthContext<'_>) -> bool {
    let answers = log.acknowledged_at.is_some() || log.probes.iter().any(|probe| probe.answered_at.is_some());
    !answers && log.ice.is_some_and(|state| state.is_connected())
}

/// Returns the time from `then` to `now`; zero if `then` is still to come.
fn age(now: Instant, then: Instant) -> Duration {
    now.saturating_duration_since(then)
}
