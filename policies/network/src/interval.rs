//! Reads and writes the time between two scans, which must be longer than zero.

use std::time::Duration;

use serde::de::{Deserializer, Error};

pub(crate) use humantime_serde::serialize;

/// Reads a duration and refuses zero, which would scan without pause.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let interval: Duration = humantime_serde::deserialize(deserializer)?;
    if interval.is_zero() {
        return Err(D::Error::custom("an interval of zero would scan without pause; give at least 100ms"));
    }
    Ok(interval)
}
