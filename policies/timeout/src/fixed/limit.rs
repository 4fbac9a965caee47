//! Reads and writes a limit, which must be longer than zero.

use std::time::Duration;

use serde::de::{Deserializer, Error};

pub(super) use humantime_serde::serialize;

/// Reads a duration and refuses zero, which would end a wait before it began.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let limit: Duration = humantime_serde::deserialize(deserializer)?;
    if limit.is_zero() {
        return Err(D::Error::custom("a limit of zero ends the wait before it begins; give at least 1ms"));
    }
    Ok(limit)
}

/// The same for a limit that may be absent.
pub(super) mod optional {
    use std::time::Duration;

    use serde::de::Deserializer;

    pub(in super::super) use humantime_serde::option::serialize;

    /// Reads a duration and refuses zero.
    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        super::deserialize(deserializer).map(Some)
    }
}
