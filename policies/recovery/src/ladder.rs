//! `ladder`: the mildest repair first, then stronger ones, then the strong ones again.

mod position;

use std::time::Duration;

use rejoin_core::policy::RecoveryContext;
use rejoin_core::{RecoveryStep, RecoveryStrategy};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::feasibility;
use position::Position;

/// Tries repairs from the mildest to the strongest and skips those that cannot work in this incident.
///
/// After the last step it continues with `recreate_peer_connection`, because the milder ones have failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "LadderOptions")]
pub struct Ladder(LadderOptions);

impl Ladder {
    /// Returns the options, which are valid.
    pub fn options(&self) -> &LadderOptions {
        &self.0
    }
}

impl RecoveryStrategy for Ladder {
    fn next_step(&self, context: &RecoveryContext<'_>) -> RecoveryStep {
        if let Some(step) = feasibility::common_step(context) {
            return step;
        }
        if feasibility::must_wait(context) {
            return RecoveryStep::Wait;
        }
        let LadderOptions { steps, rounds, stale_after } = &self.0;
        let mut position = Position::after(steps, context.tried);
        let feasible = |step: RecoveryStep| match step {
            RecoveryStep::Wait => feasibility::may_heal(context.fault) && !feasibility::is_lost(context),
            RecoveryStep::RestartIce => feasibility::restart_may_help(context, *stale_after),
            RecoveryStep::RestartIceViaRelay => {
                context.relay_available && feasibility::restart_may_help(context, *stale_after)
            }
            RecoveryStep::MoveToSpare
            | RecoveryStep::RecreatePeerConnection
            | RecoveryStep::ReconnectSignaling
            | RecoveryStep::GiveUp => true,
        };
        let step = position.next(feasible);
        if *rounds != 0 && position.round() >= *rounds { RecoveryStep::GiveUp } else { step }
    }
}

/// The options of [`Ladder`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LadderOptions {
    /// The repairs, mildest first; a step that is listed twice is tried twice.
    #[schemars(schema_with = "steps")]
    pub steps: Vec<RecoveryStep>,
    /// Rounds through the ladder before rejoin gives the peer up; 0 for no limit.
    pub rounds: u32,
    /// The time without acknowledged data after which a rebuild is faster than an ICE restart.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub stale_after: Duration,
}

/// Returns the schema of the list of repairs.
fn steps(_: &mut SchemaGenerator) -> Schema {
    let names = STEPS.map(RecoveryStep::name);
    json_schema!({ "type": "array", "items": { "enum": names } })
}

/// The repairs that a ladder may consist of, mildest first.
const STEPS: [RecoveryStep; 5] = [
    RecoveryStep::Wait,
    RecoveryStep::RestartIce,
    RecoveryStep::RestartIceViaRelay,
    RecoveryStep::RecreatePeerConnection,
    RecoveryStep::ReconnectSignaling,
];

impl Default for LadderOptions {
    /// Returns every step, without a limit of rounds; after 3 s SCTP's timer has doubled twice and outlasts a rebuild.
    fn default() -> Self {
        Self { steps: STEPS.to_vec(), rounds: 0, stale_after: Duration::from_secs(3) }
    }
}

impl TryFrom<LadderOptions> for Ladder {
    type Error = &'static str;

    fn try_from(options: LadderOptions) -> Result<Self, &'static str> {
        let LadderOptions { steps, .. } = &options;
        if !steps.is_sorted() {
            return Err("steps must go from the mildest to the strongest: wait, restart_ice, \
                        restart_ice_via_relay, recreate_peer_connection, reconnect_signaling");
        }
        if !steps.contains(&RecoveryStep::RecreatePeerConnection) {
            return Err(
                "steps must contain recreate_peer_connection, because only that replaces a lost connection; add it",
            );
        }
        if steps.contains(&RecoveryStep::MoveToSpare) {
            return Err(
                "steps must not contain move_to_spare, because it comes first wherever there is a spare; \
                        set spare.keep = \"other_uplink\" instead",
            );
        }
        if steps.contains(&RecoveryStep::GiveUp) {
            return Err("steps must not contain give_up; set rounds instead");
        }
        if steps.iter().filter(|step| **step == RecoveryStep::Wait).count() > 1 {
            return Err("steps contain wait twice; wait once and raise the timeout disconnected_grace");
        }
        Ok(Self(options))
    }
}
