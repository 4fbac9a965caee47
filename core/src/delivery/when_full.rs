//! What a full outbox does with another message.

use serde::Deserialize;

/// What happens to a message when the messages kept for a peer have reached their bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// Sending waits until a connected peer keeps up; peers slower than the fastest one lose their oldest messages.
    #[default]
    Wait,
    /// Sending never waits; the oldest message is dropped.
    DropOldest,
    /// Sending fails unless every recipient has room.
    Refuse,
}
