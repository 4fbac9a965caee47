//! `ladder`: the mildest repair first, then stronger ones, and the strong ones again.

mod climb;

use std::time::Duration;

use rejoin_core::policy::RecoveryContext;
use rejoin_core::{RecoveryStep, RecoveryStrategy};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::prospects;
use climb::Climb;

/// Climbs from the mildest repair to the strongest and skips what cannot work in this incident.
///
/// At the top it climbs again from `recreate_peer_connection`: what is milder was tried in vain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "LadderOptions")]
pub struct Ladder(LadderOptions);

impl Ladder {
    /// Returns the options that were found valid.
    pub fn options(&self) -> &LadderOptions {
        &self.0
    }
}

impl RecoveryStrategy for Ladder {
    fn next_step(&self, incident: &RecoveryContext<'_>) -> RecoveryStep {
        if let Some(step) = prospects::foregone(incident) {
            return step;
        }
        if prospects::must_wait(incident) {
            return RecoveryStep::Wait;
        }
        let LadderOptions { steps, rounds, stale_after } = &self.0;
        let mut climb = Climb::after(steps, incident.tried);
        let promising = |step: RecoveryStep| match step {
            RecoveryStep::Wait => prospects::may_heal(incident.fault) && !prospects::is_lost(incident),
            RecoveryStep::RestartIce => prospects::restart_may_help(incident, *stale_after),
            RecoveryStep::RestartIceViaRelay => {
                incident.relay_available && prospects::restart_may_help(incident, *stale_after)
            }
            RecoveryStep::MoveToSpare
            | RecoveryStep::RecreatePeerConnection
            | RecoveryStep::ReconnectSignaling
            | RecoveryStep::GiveUp => true,
        };
        let step = climb.next(promising);
        if *rounds != 0 && climb.round() >= *rounds { RecoveryStep::GiveUp } else { step }
    }
}

/// The options of [`Ladder`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LadderOptions {
    /// The repairs, mildest first; a step may be listed twice to be tried twice.
    #[schemars(schema_with = "steps")]
    pub steps: Vec<RecoveryStep>,
    /// How often the ladder is climbed before the peer is given up; 0 for no end.
    pub rounds: u32,
    /// After so much silence with data in flight, a rebuild is quicker than an ICE restart.
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
    /// Returns every step once, for ever; after 3 s SCTP's timer has doubled twice and outlasts a rebuild.
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
                "steps lack recreate_peer_connection, without which a lost connection stays lost; add it",
            );
        }
        if steps.contains(&RecoveryStep::MoveToSpare) {
            return Err("move_to_spare is no step to climb, for it comes first wherever there is a spare; \
                        set spare.keep = \"other_uplink\" instead");
        }
        if steps.contains(&RecoveryStep::GiveUp) {
            return Err("give_up is no step to climb; set rounds instead");
        }
        if steps.iter().filter(|step| **step == RecoveryStep::Wait).count() > 1 {
            return Err("steps wait twice; wait once and raise the timeout disconnected_grace");
        }
        Ok(Self(options))
    }
}
