//! The times between probes: how one is read, and the shortest.

use std::time::Duration;

use serde::de::{Deserializer, Error};

/// The shortest time between two checkups: finer than any limit that makes sense, and no busy loop.
pub(crate) const SOONEST: Duration = Duration::from_millis(10);

/// Reads a duration and refuses zero, which would probe without pause.
pub(crate) fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let interval: Duration = humantime_serde::deserialize(deserializer)?;
    if interval.is_zero() {
        return Err(D::Error::custom("zero would probe without pause; give at least 10ms"));
    }
    Ok(interval)
}
