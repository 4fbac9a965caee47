//! Whether a spare connection is kept beside the one in use.

use rejoin_core::supervisor::Spares;
use serde::Deserialize;

/// The table `spare`: a second connection to each peer, open over another uplink.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spare {
    /// With whom one is kept.
    pub keep: Spares,
}
