//! `rebuild`: a new peer connection at once, beside the old one.

use rejoin_core::policy::RecoveryContext;
use rejoin_core::{RecoveryStep, RecoveryStrategy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::prospects;

/// Builds a new peer connection beside the old one, whatever broke, and looks after signaling now and then.
///
/// The old connection may still heal by itself meanwhile, so nothing is lost but a few packets.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rebuild {
    /// What comes before the first rebuild.
    pub patience: Patience,
    /// Fruitless rebuilds in a row before the signaling socket is examined; 0 for never.
    pub signaling_after: u32,
}

/// What comes before the first rebuild of an incident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Patience {
    /// Nothing.
    #[default]
    None,
    /// One grace, if what broke may heal by itself.
    Grace,
}

impl Default for Rebuild {
    /// Returns no patience, and a look at signaling after every second failure: a half-open socket loses every offer.
    fn default() -> Self {
        Self { patience: Patience::None, signaling_after: 2 }
    }
}

impl RecoveryStrategy for Rebuild {
    fn next_step(&self, incident: &RecoveryContext<'_>) -> RecoveryStep {
        if let Some(step) = prospects::foregone(incident) {
            return step;
        }
        if prospects::must_wait(incident) || self.grace_is_due(incident) {
            return RecoveryStep::Wait;
        }
        if prospects::signaling_is_due(incident, self.signaling_after) {
            return RecoveryStep::ReconnectSignaling;
        }
        RecoveryStep::RecreatePeerConnection
    }
}

impl Rebuild {
    /// Returns whether the incident is young and may heal by itself.
    fn grace_is_due(&self, incident: &RecoveryContext<'_>) -> bool {
        match self.patience {
            Patience::None => false,
            Patience::Grace => {
                let may_heal = prospects::may_heal(incident.fault) && !prospects::is_lost(incident);
                may_heal && incident.tried.is_empty()
            }
        }
    }
}
