//! What is kept for a peer until it has it: the bounds, and what happens at them.

use std::num::NonZeroU32;

use rejoin_core::Settings;
use rejoin_core::delivery::WhenFull;
use rejoin_core::id::Identity;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// The table `outbox`: what is kept for one peer until it has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Outbox {
    /// How many messages.
    pub messages: NonZeroU32,
    /// How many bytes of messages.
    pub bytes: NonZeroU32,
    /// What happens to a message for which that leaves no room.
    #[schemars(schema_with = "when_full")]
    pub when_full: WhenFull,
}

/// Returns the schema of a [`WhenFull`].
fn when_full(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": ["wait", "drop_oldest", "refuse"], "default": "wait" })
}

/// The defaults are the machine's own.
impl Default for Outbox {
    fn default() -> Self {
        let machine = Settings::new(Identity(0), "");
        let bound = |bound: usize| u32::try_from(bound).ok().and_then(NonZeroU32::new);
        Self {
            messages: bound(machine.held_messages).unwrap_or(NonZeroU32::MAX),
            bytes: bound(machine.held_bytes).unwrap_or(NonZeroU32::MAX),
            when_full: machine.when_full,
        }
    }
}
