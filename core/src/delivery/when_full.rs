//! What happens to a message for which there is no room.

use serde::Deserialize;

/// What happens to a message when what is kept for a peer has reached its bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// Sending waits while no connected peer keeps up; peers that are slower than the fastest lose their oldest messages.
    #[default]
    Wait,
    /// Sending never waits, and the oldest message goes.
    DropOldest,
    /// The message is not taken unless there is room for every peer that it is for.
    Refuse,
}
