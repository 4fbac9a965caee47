//! The setting that says with which peers a spare connection is kept.

use serde::Deserialize;

/// With whom a spare connection is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", expecting = "\"never\" or \"other_uplink\"")]
pub enum Spares {
    /// With nobody.
    #[default]
    Never,
    /// With every rejoin peer that keeps one too, while one of the two has another uplink than the one in use.
    OtherUplink,
}
