//! The five questions that policies answer; a policy is its deserialised configuration and has no state.
//!
//! The sixth trait of the framework, [`NetworkMonitor`](crate::port::NetworkMonitor), watches the world and so is a port.

mod backoff;
mod health;
mod quality;
mod recovery;
mod timeout;

use std::sync::Arc;

pub use backoff::{BackoffContext, BackoffPolicy};
pub use health::{Checkup, Health, HealthContext, HealthProbe, Probe};
pub use quality::{Quality, QualityContext, QualityPolicy};
pub use recovery::{Outcome, RecoveryContext, RecoveryStep, RecoveryStrategy, Spare, Tried};
pub use timeout::{TimeoutContext, TimeoutPolicy};

/// One choice for every question.
#[derive(Clone, Debug)]
pub struct Policies {
    /// Paces retries.
    pub backoff: Arc<dyn BackoffPolicy>,
    /// Limits waits.
    pub timeout: Arc<dyn TimeoutPolicy>,
    /// Chooses repairs.
    pub recovery: Arc<dyn RecoveryStrategy>,
    /// Tells live links from dead ones.
    pub health: Arc<dyn HealthProbe>,
    /// Grades live links.
    pub quality: Arc<dyn QualityPolicy>,
}
