//! Reading a limit that must be longer than zero.

use std::time::Duration;

use serde::de::{Deserializer, Error};

/// Reads a duration and refuses zero, which would end a wait before it began.
pub(super) fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let limit: Duration = humantime_serde::deserialize(deserializer)?;
    if limit.is_zero() {
        return Err(D::Error::custom("a limit of zero ends the wait before it begins; give at least 1ms"));
    }
    Ok(limit)
}

/// Reads a limit that a platform has of its own, and refuses zero.
pub(super) fn positive_option<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    positive(deserializer).map(Some)
}
