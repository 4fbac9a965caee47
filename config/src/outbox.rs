//! The table `outbox`: the bounds of the messages that are kept for a peer.

use std::num::NonZeroU32;

use rejoin_core::Settings;
use rejoin_core::delivery::WhenFull;
use rejoin_core::id::Identity;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// The bounds of the messages that are kept for one peer until it has acknowledged them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Outbox {
    /// The largest number of messages.
    pub messages: NonZeroU32,
    /// The largest number of bytes of messages.
    pub bytes: NonZeroU32,
    /// What happens to a message beyond these bounds: sending waits, the oldest message is dropped, or sending fails.
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
