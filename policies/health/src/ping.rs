//! `ping`: a link is dead when too many pings in a row are unanswered.

mod evidence;

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use rejoin_core::policy::{Checkup, Health, HealthContext};
use rejoin_core::{HealthProbe, Link, Platform};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::{interval, misses};
use evidence::{Evidence, ProbeLimits};

/// Pings every link at an interval and counts what stays unanswered.
///
/// A link is pinged even while data arrives: data proves one direction only, a pong proves both.
/// So unanswered pings mean a dead link even while data arrives, once the peer has answered a ping.
/// A ping is missed `timeout` and two round trips after it was sent; the second round trip allows for a lost packet.
/// Late answers count, and an answer clears all earlier misses.
/// A miss makes a link suspect, unless data arrived after the missed ping was sent.
/// A peer that answers ICE checks is suspect rather than dead for up to `stall`: packets go both ways, and SCTP, which
/// delivers nothing behind a lost packet, waits 1 s before it sends that packet again, and twice as long each time.
/// A peer that never answers is judged by ICE and by bytes: its misses count only if no data arrives and either ICE is
/// not connected or bytes are unacknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ping {
    /// The time from one ping over the data channel to the next.
    #[serde(with = "interval")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub interval: Duration,
    /// The time after which an unanswered ping over the data channel is missed, in addition to two round trips.
    #[serde(with = "interval")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub timeout: Duration,
    /// Missed pings in a row after which the peer is dead.
    #[serde(deserialize_with = "misses::few")]
    #[schemars(range(max = 32))]
    pub misses: NonZeroU32,
    /// How long pings may stay unanswered while the peer answers ICE checks; also the longest limit for one ping.
    #[serde(with = "interval")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub stall: Duration,
    /// The platforms that ping their peers; an empty list means all.
    #[schemars(schema_with = "platforms")]
    pub platforms: BTreeSet<Platform>,
    /// The time from one ping of the signaling server to the next, on every platform.
    #[serde(with = "interval")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub signaling_interval: Duration,
    /// The time after which an unanswered ping of the signaling server is missed, in addition to two round trips.
    #[serde(with = "interval")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub signaling_timeout: Duration,
    /// Missed pings in a row after which the socket is dead.
    #[serde(deserialize_with = "misses::few")]
    #[schemars(range(max = 32))]
    pub signaling_misses: NonZeroU32,
}

/// Returns the schema of a list of platforms.
fn platforms(_: &mut SchemaGenerator) -> Schema {
    let names = Platform::ALL.map(Platform::name);
    json_schema!({ "type": "array", "items": { "enum": names }, "uniqueItems": true })
}

impl Default for Ping {
    /// Returns a heartbeat that finds a dead peer within 8 s and a dead socket within 20 s.
    fn default() -> Self {
        let two = NonZeroU32::MIN.saturating_add(1);
        Self {
            // Often enough for a dead path to be found before ICE finds it.
            interval: Duration::from_secs(2),
            // A mobile path may stall for a second or two without being dead.
            timeout: Duration::from_secs(3),
            // One lost ping proves nothing.
            misses: two,
            // SCTP has sent a lost packet again after 1, 3 and 7 s (RFC 9260 section 6.3.3).
            stall: Duration::from_secs(10),
            platforms: BTreeSet::new(),
            // Proxies close idle sockets after 30 to 60 s.
            signaling_interval: Duration::from_secs(10),
            // TCP has sent a lost ping again by then.
            signaling_timeout: Duration::from_secs(5),
            signaling_misses: two,
        }
    }
}

impl Ping {
    /// Returns the limits for this link, or `None` if it is not probed.
    fn limits(&self, log: &HealthContext<'_>) -> Option<ProbeLimits> {
        let (interval, timeout, misses) = match log.link {
            Link::Signaling => (self.signaling_interval, self.signaling_timeout, self.signaling_misses),
            Link::Peer => {
                let probed = self.platforms.is_empty() || self.platforms.contains(&log.platform);
                probed.then_some((self.interval, self.timeout, self.misses))?
            }
        };
        let round_trip = log.rtt.map_or(Duration::ZERO, |rtt| rtt.smoothed);
        let limit = timeout.saturating_add(round_trip.saturating_mul(2));
        let limit = match log.link {
            // pings that have waited for a path to come back are no measure of the path
            Link::Peer => limit.min(self.stall.max(timeout)),
            Link::Signaling => limit,
        };
        // an answer of ICE may be a round trip younger than the first ping that is lost with the path
        let death =
            limit.saturating_add(interval.saturating_mul(misses.get() - 1)).saturating_sub(round_trip);
        // what has jumped before may do so again; RFC 6298 allows four variations
        let variation = log.rtt.map_or(Duration::ZERO, |rtt| rtt.variation);
        let consent = death.saturating_add(variation.saturating_mul(4));
        let misses = usize::try_from(misses.get()).unwrap_or(usize::MAX);
        Some(ProbeLimits { interval, limit, misses, consent, stall: self.stall })
    }
}

impl HealthProbe for Ping {
    fn examine(&self, log: &HealthContext<'_>) -> Checkup {
        let Some(limits) = self.limits(log) else {
            return Checkup { health: Health::Alive, probe: false, again_in: self.signaling_interval };
        };
        let evidence = Evidence::new(log, limits);
        let health = verdict(&evidence, limits.misses);
        // The repair verifies a dead link; more pings would only fill its send buffer.
        let due_in = evidence.next_probe_in().filter(|_| health != Health::Dead);
        let probe = due_in.is_some_and(|left| left.is_zero());
        // A probe that leaves at this moment is missed or followed by the next, whichever is first.
        let next_probe = if probe { Some(limits.interval.min(limits.limit)) } else { due_in };
        let again_in = [next_probe, evidence.next_miss_in()].into_iter().flatten().min();
        let again_in = again_in.unwrap_or(limits.interval);
        Checkup { health, probe, again_in: again_in.max(interval::MIN_CHECKUP_INTERVAL) }
    }
}

/// Returns what the misses mean.
fn verdict(evidence: &Evidence<'_>, misses: usize) -> Health {
    if !evidence.answers() && evidence.lives_silently() {
        return Health::Alive;
    }
    let Some(newest) = evidence.missed().last() else { return Health::Alive };
    if evidence.missed().count() >= misses && !evidence.stalls() {
        Health::Dead
    } else if evidence.received_since(newest) {
        Health::Alive
    } else {
        Health::Suspect
    }
}
