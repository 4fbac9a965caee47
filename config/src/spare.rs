//! The table `spare`: whether a spare connection is kept beside the active one.

use rejoin_core::supervisor::Spares;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// A second connection to each peer, open over another uplink than the active one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Spare {
    /// Whether spares are kept, with peers that keep them too.
    #[schemars(schema_with = "keep")]
    pub keep: Spares,
}

/// Returns the schema of a [`Spares`].
fn keep(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": ["never", "other_uplink"], "default": "never" })
}
