//! Plain policies for scripts: numbers that are easy to follow by eye.

use std::sync::Arc;
use std::time::Duration;

use rejoin_core::policy::QualityContext;
use rejoin_core::policy::{
    BackoffContext, Checkup, Health, HealthContext, Outcome, Policies, Quality, RecoveryContext,
    TimeoutContext, Tried,
};
use rejoin_core::{
    BackoffPolicy, Fault, HealthProbe, Link, Phase, QualityPolicy, RecoveryStep, RecoveryStrategy,
    TimeoutPolicy,
};

/// The policies of every script; `attempts` retries until a link sleeps.
pub(crate) fn policies(attempts: u32) -> Policies {
    Policies {
        backoff: Arc::new(Doubling { attempts }),
        timeout: Arc::new(Limits),
        recovery: Arc::new(Ladder),
        health: Arc::new(Pings),
        quality: Arc::new(SlowIsPoor),
    }
}

/// 5 s, 10 s, 20 s, then 30 s.
#[derive(Debug)]
struct Doubling {
    attempts: u32,
}

impl BackoffPolicy for Doubling {
    fn delay(&self, retry: &BackoffContext<'_>) -> Option<Duration> {
        let seconds = 5u64.saturating_mul(1 << retry.attempt.min(8)).min(30);
        (retry.attempt < self.attempts).then_some(Duration::from_secs(seconds))
    }
}

#[derive(Debug)]
struct Limits;

impl TimeoutPolicy for Limits {
    fn limit(&self, wait: &TimeoutContext) -> Duration {
        Duration::from_secs(match wait.phase {
            Phase::Verification => 2,
            Phase::SignalingPong
            | Phase::SignalingSuspectPong
            | Phase::Gathering
            | Phase::RestartRequest
            | Phase::DataChannelOpen
            | Phase::DisconnectedGrace
            | Phase::IceDisconnectedTimeout => 5,
            Phase::SignalingOpen
            | Phase::RoomJoin
            | Phase::StableAfter
            | Phase::OfferAnswer
            | Phase::IceChecking => 10,
            Phase::IceFailedTimeout => 25,
            Phase::PeerExpiry => 120,
            _ => 300,
        })
    }
}

/// A grace for what may heal, a restart for what is connected, then rebuilds, with a look at signaling between.
#[derive(Debug)]
struct Ladder;

impl RecoveryStrategy for Ladder {
    fn next_step(&self, incident: &RecoveryContext<'_>) -> RecoveryStep {
        let untried = |step| incident.times(step) == 0;
        let failed = |tried: &Tried| tried.outcome == Outcome::Unverified;
        let lost = !incident.channel_open || incident.tried.iter().any(failed);
        if *incident.fault == Fault::IceDisconnected && untried(RecoveryStep::Wait) && !lost {
            return RecoveryStep::Wait;
        }
        let restartable = !matches!(incident.fault, Fault::ProbeUnanswered | Fault::FingerprintChanged);
        if restartable && !lost && untried(RecoveryStep::RestartIce) {
            return RecoveryStep::RestartIce;
        }
        if incident.relay_available && !lost && untried(RecoveryStep::RestartIceViaRelay) {
            return RecoveryStep::RestartIceViaRelay;
        }
        let last = incident.tried.last().map(|tried| tried.step);
        if last == Some(RecoveryStep::RecreatePeerConnection) {
            RecoveryStep::ReconnectSignaling
        } else {
            RecoveryStep::RecreatePeerConnection
        }
    }
}

/// A ping every 2 s to a peer and every 10 s to the server; suspect after one miss of 3 s, dead after two
/// unless ICE has answered within 3 s.
#[derive(Debug)]
struct Pings;

impl HealthProbe for Pings {
    fn examine(&self, log: &HealthContext<'_>) -> Checkup {
        let interval = match log.link {
            Link::Signaling => Duration::from_secs(10),
            Link::Peer => Duration::from_secs(2),
        };
        let limit = Duration::from_secs(3);
        let age = |at| log.now.saturating_duration_since(at);
        let missed = log.unanswered().filter(|probe| age(probe.sent_at) >= limit).count();
        let health = match missed {
            0 => Health::Alive,
            1 => Health::Suspect,
            _ if log.consented_since.is_some_and(|at| age(at) < limit) => Health::Suspect,
            _ => Health::Dead,
        };
        let since = log.probes.last().map_or(Duration::MAX, |probe| age(probe.sent_at));
        let probe = since >= interval && health != Health::Dead;
        let next_probe = if probe { interval } else { interval.saturating_sub(since) };
        let misses = log.unanswered().map(|probe| limit.saturating_sub(age(probe.sent_at)));
        let next_miss = misses.filter(|wait| !wait.is_zero()).min().unwrap_or(interval);
        Checkup { health, probe, again_in: next_probe.min(next_miss) }
    }
}

/// A round trip above 500 ms is poor, and without one the grade stays; a script measures when it wants to.
#[derive(Debug)]
struct SlowIsPoor;

impl QualityPolicy for SlowIsPoor {
    fn grade(&self, history: &QualityContext<'_>) -> Quality {
        match history.samples.last().and_then(|sample| sample.rtt) {
            Some(rtt) if rtt > Duration::from_millis(500) => Quality::Poor,
            Some(_) => Quality::Good,
            None => history.previous,
        }
    }

    fn interval(&self) -> Option<Duration> {
        None
    }
}
