//! Reads and writes the time between two probes, which must be longer than zero.

use std::time::Duration;

use serde::de::{Deserializer, Error};

pub(crate) use humantime_serde::serialize;

/// The shortest time between two checkups: shorter than any useful limit, and long enough to avoid a busy loop.
pub(crate) const MIN_CHECKUP_INTERVAL: Duration = Duration::from_millis(10);

/// Reads a duration and refuses zero, which would probe without pause.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let interval: Duration = humantime_serde::deserialize(deserializer)?;
    if interval.is_zero() {
        return Err(D::Error::custom("zero would probe without pause; give at least 10ms"));
    }
    Ok(interval)
}
