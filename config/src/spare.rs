//! Whether a spare connection is kept beside the one in use.

use rejoin_core::supervisor::Spares;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// The table `spare`: a second connection to each peer, open over another uplink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Spare {
    /// With whom one is kept.
    #[schemars(schema_with = "keep")]
    pub keep: Spares,
}

/// Returns the schema of a [`Spares`].
fn keep(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": ["never", "other_uplink"], "default": "never" })
}
