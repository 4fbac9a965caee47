//! `hedged`: a mild repair first, and soon a new peer connection beside it; whichever is verified first is kept.

use std::time::Duration;

use rejoin_core::policy::RecoveryContext;
use rejoin_core::{RecoveryStep, RecoveryStrategy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::feasibility;

/// Gives a mild repair a head start and then builds a new connection beside it.
///
/// A new connection is built at once for a peer that keeps only one connection, and where a mild repair cannot work.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Hedged {
    /// The mild repair that runs beside the new connection.
    pub first: First,
    /// The time that the mild repair has before the new connection begins, in addition to `round_trips`.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub head_start: Duration,
    /// Round trips that are added to `head_start`, once the round-trip time is measured.
    pub round_trips: u32,
    /// The time without acknowledged data after which a rebuild is faster than an ICE restart.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub stale_after: Duration,
    /// Failed rebuilds in a row before the signaling socket is checked; 0 for never.
    pub signaling_after: u32,
}

/// The mild repair of [`Hedged`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum First {
    /// Wait where the path may heal by itself.
    Wait,
    /// Restart ICE on a path that is known to be dead, otherwise wait.
    #[default]
    RestartIce,
}

impl Default for Hedged {
    /// Returns a head start that is long enough for a restart: the offer and its answer take two round trips, the
    /// ICE check one, and 100 ms allow for a busy peer. The rest is as in `ladder` and `rebuild`.
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
    fn next_step(&self, context: &RecoveryContext<'_>) -> RecoveryStep {
        if let Some(step) = feasibility::common_step(context) {
            return step;
        }
        if feasibility::must_wait(context) {
            return RecoveryStep::Wait;
        }
        if feasibility::signaling_is_due(context, self.signaling_after) {
            return RecoveryStep::ReconnectSignaling;
        }
        let fresh = !context.tried.iter().any(|tried| tried.step.keeps_connection());
        let milder = if fresh && context.peer_hedges { self.milder(context) } else { None };
        milder.unwrap_or(RecoveryStep::RecreatePeerConnection)
    }

    fn head_start(&self, context: &RecoveryContext<'_>, step: RecoveryStep) -> Option<Duration> {
        if !step.keeps_connection() || feasibility::must_wait(context) {
            return None;
        }
        let round_trip = context.rtt.map_or(Duration::ZERO, |rtt| rtt.smoothed);
        Some(self.head_start.saturating_add(round_trip.saturating_mul(self.round_trips)))
    }
}

impl Hedged {
    /// Returns the mild repair that is worth a head start.
    fn milder(&self, context: &RecoveryContext<'_>) -> Option<RecoveryStep> {
        let dead = feasibility::path_is_dead(context);
        let restart = match self.first {
            First::Wait => false,
            First::RestartIce => dead && feasibility::restart_may_help(context, self.stale_after),
        };
        let heals = feasibility::may_heal(context.fault) && !feasibility::is_lost(context);
        if restart { Some(RecoveryStep::RestartIce) } else { heals.then_some(RecoveryStep::Wait) }
    }
}
