//! Reading a duration that must be longer than zero.

use std::time::Duration;

use serde::de::{Deserializer, Error};

/// Reads a duration and refuses zero, which would probe without pause.
pub(super) fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let interval: Duration = humantime_serde::deserialize(deserializer)?;
    if interval.is_zero() {
        return Err(D::Error::custom("zero would probe without pause; give at least 10ms"));
    }
    Ok(interval)
}
