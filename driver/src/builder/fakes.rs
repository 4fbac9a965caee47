//! Policies that never act.

use std::sync::Arc;
use std::time::Duration;

use rejoin_core::policy::QualityContext;
use rejoin_core::policy::{
    BackoffContext, Checkup, Health, HealthContext, Quality, RecoveryContext, TimeoutContext,
};
use rejoin_core::{
    BackoffPolicy, HealthProbe, Policies, QualityPolicy, RecoveryStep, RecoveryStrategy, TimeoutPolicy,
};

#[derive(Debug)]
struct Idle;

impl BackoffPolicy for Idle {
    fn delay(&self, _: &BackoffContext<'_>) -> Option<Duration> {
        None
    }
}

impl TimeoutPolicy for Idle {
    fn limit(&self, _: &TimeoutContext) -> Duration {
        Duration::from_secs(1)
    }
}

impl RecoveryStrategy for Idle {
    fn next_step(&self, _: &RecoveryContext<'_>) -> RecoveryStep {
        RecoveryStep::GiveUp
    }
}

impl HealthProbe for Idle {
    fn examine(&self, _: &HealthContext<'_>) -> Checkup {
        Checkup { health: Health::Alive, probe: false, again_in: Duration::from_secs(60) }
    }
}

impl QualityPolicy for Idle {
    fn grade(&self, _: &QualityContext<'_>) -> Quality {
        Quality::Good
    }

    fn interval(&self) -> Option<Duration> {
        None
    }
}

pub(super) fn idle_policies() -> Policies {
    let (backoff, timeout, recovery) = (Arc::new(Idle), Arc::new(Idle), Arc::new(Idle));
    Policies { backoff, timeout, recovery, health: Arc::new(Idle), quality: Arc::new(Idle) }
}
