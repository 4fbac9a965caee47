//! `hedged`: a mild repair first, and soon a new peer connection beside it; whichever is verified first is kept.

use std::time::Duration;

use rejoin_core::policy::RecoveryContext;
use rejoin_core::{RecoveryStep, RecoveryStrategy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::prospects;

/// Gives a mild repair a head start and then builds a new connection beside it.
///
/// A peer that keeps only one connection, and what no mild repair can mend, gets the new connection at once.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Hedged {
    /// What goes on beside the new connection.
    pub first: First,
    /// The time that it has alone, beyond round trips.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub head_start: Duration,
    /// Round trips of the path that are added, once they have been measured.
    pub round_trips: u32,
    /// After so much silence with data in flight, an ICE restart is not worth its time.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub stale_after: Duration,
    /// Fruitless rebuilds in a row before the signaling socket is examined; 0 for never.
    pub signaling_after: u32,
}

/// The mild repair of [`Hedged`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum First {
    /// Leave the path alone where it may heal by itself.
    Wait,
    /// Restart ICE on a path that is known to be dead, and wait elsewhere.
    #[default]
    RestartIce,
}

impl Default for Hedged {
    /// Returns a head start in which a restart succeeds that can: an offer and its answer travel two round trips
    /// and ICE checks one, with 100 ms for a busy peer. The rest is as in `ladder` and `rebuild`.
    fn default() -> Self {
        Self {
            first: First::RestartIce,
            head_start: Duration::from_millis(100),
            round_trips: 3,
            stale_after: Duration::from_secs(3),
            signaling_after: 2,
        }
    }
}

impl RecoveryStrategy for Hedged {
    fn next_step(&self, incident: &RecoveryContext<'_>) -> RecoveryStep {
        if let Some(step) = prospects::foregone(incident) {
            return step;
        }
        if prospects::must_wait(incident) {
            return RecoveryStep::Wait;
        }
        if prospects::signaling_is_due(incident, self.signaling_after) {
            return RecoveryStep::ReconnectSignaling;
        }
        let fresh = !incident.tried.iter().any(|tried| tried.step.keeps_connection());
        let milder = if fresh && incident.peer_hedges { self.milder(incident) } else { None };
        milder.unwrap_or(RecoveryStep::RecreatePeerConnection)
    }

    fn head_start(&self, incident: &RecoveryContext<'_>, step: RecoveryStep) -> Option<Duration> {
        if !step.keeps_connection() || prospects::must_wait(incident) {
            return None;
        }
        let round_trip = incident.rtt.map_or(Duration::ZERO, |rtt| rtt.smoothed);
        Some(self.head_start.saturating_add(round_trip.saturating_mul(self.round_trips)))
    }
}

impl Hedged {
    /// Returns the mild repair that is worth a head start.
    fn milder(&self, incident: &RecoveryContext<'_>) -> Option<RecoveryStep> {
        let dead = prospects::path_is_dead(incident);
        let restart = match self.first {
            First::Wait => false,
            First::RestartIce => dead && prospects::restart_may_help(incident, self.stale_after),
        };
        let heals = prospects::may_heal(incident.fault) && !prospects::is_lost(incident);
        if restart { Some(RecoveryStep::RestartIce) } else { heals.then_some(RecoveryStep::Wait) }
    }
}
