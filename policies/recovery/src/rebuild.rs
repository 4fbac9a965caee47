//! `rebuild`: a new peer connection at once, beside the old one.

use rejoin_core::policy::RecoveryContext;
use rejoin_core::{RecoveryStep, RecoveryStrategy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::feasibility;

/// Builds a new peer connection beside the old one for every fault, and checks signaling after some failures.
///
/// The old connection may still heal in the meantime, so a rebuild costs only a few packets.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rebuild {
    /// Whether rejoin waits before the first rebuild.
    pub patience: Patience,
    /// Failed rebuilds in a row before the signaling socket is checked; 0 for never.
    pub signaling_after: u32,
}

/// The wait before the first rebuild of an incident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Patience {
    /// No wait.
    #[default]
    None,
    /// One `disconnected_grace`, if the fault may heal by itself.
    Grace,
}

impl Default for Rebuild {
    /// Returns no wait, and a check of signaling after every second failure: a half-open socket loses every offer.
    fn default() -> Self {
        Self { patience: Patience::None, signaling_after: 2 }
    }
}

impl RecoveryStrategy for Rebuild {
    fn next_step(&self, context: &RecoveryContext<'_>) -> RecoveryStep {
        if let Some(step) = feasibility::common_step(context) {
            return step;
        }
        if feasibility::must_wait(context) || self.grace_is_due(context) {
            return RecoveryStep::Wait;
        }
        if feasibility::signaling_is_due(context, self.signaling_after) {
            return RecoveryStep::ReconnectSignaling;
        }
        RecoveryStep::RecreatePeerConnection
    }
}

impl Rebuild {
    /// Returns whether nothing was tried yet and the fault may heal by itself.
    fn grace_is_due(&self, context: &RecoveryContext<'_>) -> bool {
        match self.patience {
            Patience::None => false,
            Patience::Grace => {
                let may_heal = feasibility::may_heal(context.fault) && !feasibility::is_lost(context);
                may_heal && context.tried.is_empty()
            }
        }
    }
}
