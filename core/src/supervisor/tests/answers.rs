//! Policies that answer anything, yet the same to the same question.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use crate::policy::QualityContext;
use crate::policy::{
    BackoffContext, Checkup, Health, HealthContext, Quality, RecoveryContext, Spare, TimeoutContext,
};
use crate::supervisor::tests::ms;
use crate::{
    BackoffPolicy, HealthProbe, Link, Phase, Policies, QualityPolicy, RecoveryStep, RecoveryStrategy,
    TimeoutPolicy,
};

/// Answers by hashing the question with its seed.
#[derive(Debug)]
struct Answers(u64);

pub(super) fn policies(seed: u64) -> Policies {
    let answers = Arc::new(Answers(seed));
    Policies {
        backoff: answers.clone(),
        timeout: answers.clone(),
        recovery: answers.clone(),
        health: answers.clone(),
        quality: answers,
    }
}

impl Answers {
    fn hash(&self, question: impl Hash) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.0, question).hash(&mut hasher);
        hasher.finish()
    }
}

impl BackoffPolicy for Answers {
    fn delay(&self, retry: &BackoffContext<'_>) -> Option<Duration> {
        let most = [u32::MAX, 0, 1, 3][(self.0 % 4) as usize];
        let pause = match self.0 / 4 % 3 {
            0 => ms(1_000),
            1 => ms(100 << retry.attempt.min(8)).mul_f64(1.0 - retry.jitter / 2.0),
            _ => Duration::ZERO,
        };
        (retry.attempt < most).then_some(pause)
    }
}

impl TimeoutPolicy for Answers {
    fn limit(&self, wait: &TimeoutContext) -> Duration {
        match wait.phase {
            Phase::DisconnectedGrace | Phase::StableAfter if self.0.is_multiple_of(5) => Duration::ZERO,
            phase => [ms(5_000), ms(20_000), ms(10_000), ms(10)][(self.hash(phase) % 4) as usize],
        }
    }
}

impl RecoveryStrategy for Answers {
    fn next_step(&self, incident: &RecoveryContext<'_>) -> RecoveryStep {
        const LADDER: [RecoveryStep; 6] = [
            RecoveryStep::Wait,
            RecoveryStep::RestartIce,
            RecoveryStep::RestartIceViaRelay,
            RecoveryStep::RecreatePeerConnection,
            RecoveryStep::ReconnectSignaling,
            RecoveryStep::GiveUp,
        ];
        assert_eq!(incident.link, Link::Peer);
        if incident.spare == Spare::Ready && !self.0.is_multiple_of(3) {
            return RecoveryStep::MoveToSpare;
        }
        match self.0 / 16 % 3 {
            0 => LADDER[incident.tried.len() % 5],
            1 => LADDER[(self.hash((incident.tried.len(), incident.fault.name())) % 6) as usize],
            _ => LADDER[incident.tried.len().min(5)],
        }
    }

    fn head_start(&self, incident: &RecoveryContext<'_>, step: RecoveryStep) -> Option<Duration> {
        let head_start = [None, Some(Duration::ZERO), Some(ms(100)), Some(ms(2_000))];
        head_start[(self.hash((incident.tried.len(), step)) % 4) as usize]
    }
}

impl HealthProbe for Answers {
    fn examine(&self, log: &HealthContext<'_>) -> Checkup {
        let health = match log.unanswered().count() {
            0 => Health::Alive,
            1 => Health::Suspect,
            _ => Health::Dead,
        };
        let number = (log.link, log.probes.len());
        let again_in = [Duration::ZERO, ms(700), ms(2_000), ms(60_000)][(self.hash(number) % 4) as usize];
        Checkup { health, probe: self.hash(number).is_multiple_of(3), again_in }
    }
}

impl QualityPolicy for Answers {
    fn grade(&self, history: &QualityContext<'_>) -> Quality {
        [Quality::Good, Quality::Fair, Quality::Poor][(self.hash(history.samples.len()) % 3) as usize]
    }

    fn interval(&self) -> Option<Duration> {
        self.0.is_multiple_of(2).then_some(ms(10_000))
    }
}
