//! The evidence for or against a live link in its context, given the limits of the policy.

use std::time::{Duration, Instant};

use rejoin_core::policy::{HealthContext, Probe};

/// Unanswered probes beyond those that decide: SCTP sends a lost packet again after three later ones.
///
/// Without an end, short intervals with long limits would push a probe out of the log before it is missed.
const SPARE: usize = 4;

/// How often a link is probed and when a probe counts as missed.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProbeLimits {
    /// From one probe to the next.
    pub(super) interval: Duration,
    /// From a probe to its miss.
    pub(super) limit: Duration,
    /// Misses in a row that mean death.
    pub(super) misses: usize,
    /// How long an answer of the peer's ICE proves that the path lives.
    pub(super) consent: Duration,
    /// How long pings may stay unanswered on a path that lives.
    pub(super) stall: Duration,
}

/// The context of a link, with the limits that apply.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence<'a> {
    log: &'a HealthContext<'a>,
    limits: ProbeLimits,
}

impl<'a> Evidence<'a> {
    /// Creates the evidence of `log` under `limits`.
    pub(super) fn new(log: &'a HealthContext<'a>, limits: ProbeLimits) -> Self {
        Self { log, limits }
    }

    /// Returns the missed probes, oldest first; a late answer clears them.
    pub(super) fn missed(&self) -> impl Iterator<Item = &'a Probe> {
        let (now, limit) = (self.log.now, self.limits.limit);
        self.log.unanswered().filter(move |probe| age(now, probe.sent_at) >= limit)
    }

    /// Returns the time until the next unanswered probe becomes a miss.
    pub(super) fn next_miss_in(&self) -> Option<Duration> {
        let (now, limit) = (self.log.now, self.limits.limit);
        self.log
            .unanswered()
            .map(|probe| limit.saturating_sub(age(now, probe.sent_at)))
            .filter(|left| !left.is_zero())
            .min()
    }

    /// Returns the time until the next probe is due, zero if it is due now; `None` while enough are unanswered.
    ///
    /// A peer that has not answered yet gets its next probe after the last one is missed,
    /// so that our own probes are not the bytes that its transport has not acknowledged.
    pub(super) fn next_probe_in(&self) -> Option<Duration> {
        let ProbeLimits { interval, limit, misses, .. } = self.limits;
        if self.answers() && self.log.unanswered().count() >= misses.saturating_add(SPARE) {
            return None;
        }
        let last = self.log.probes.last().map_or(self.log.up_since, |probe| probe.sent_at);
        let pause = if self.answers() { interval } else { interval.max(limit) };
        Some(pause.saturating_sub(age(self.log.now, last)))
    }

    /// Returns whether the peer has answered any probe, ever.
    pub(super) fn answers(&self) -> bool {
        self.log.acknowledged_at.is_some() || self.log.probes.iter().any(|probe| probe.answered_at.is_some())
    }

    /// Returns whether data arrived after `probe` was sent.
    pub(super) fn received_since(&self, probe: &Probe) -> bool {
        self.log.last_received.is_some_and(|at| at > probe.sent_at)
    }

    /// Returns whether the path works although pings are unanswered, so that SCTP may still send them again.
    pub(super) fn stalls(&self) -> bool {
        let ProbeLimits { consent, stall, .. } = self.limits;
        let lives = self.log.consented_since.is_some_and(|at| age(self.log.now, at) < consent);
        lives && self.log.unanswered().next().is_none_or(|oldest| age(self.log.now, oldest.sent_at) < stall)
    }

    /// Returns whether a peer that never answers probes is alive by other evidence.
    ///
    /// Either bytes arrived since the misses began, or ICE, whose checks are answered in both directions (RFC 7675),
    /// is connected and no bytes are unacknowledged.
    pub(super) fn lives_silently(&self) -> bool {
        let missed: Vec<_> = self.missed().collect();
        let began = missed.len().saturating_sub(self.limits.misses);
        let received = missed.get(began).is_none_or(|probe| self.received_since(probe));
        let consents = self.log.ice.is_some_and(|state| state.is_connected());
        let probe_under_way = self.next_miss_in().is_some();
        received || (consents && (self.log.bytes_due == 0 || probe_under_way))
    }
}

/// Returns the time from `then` to `now`; zero if `then` is still to come.
fn age(now: Instant, then: Instant) -> Duration {
    now.saturating_duration_since(then)
}
