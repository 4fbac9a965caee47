//! Reads a number of misses, which is limited by the number of probes that core keeps.

use std::num::NonZeroU32;

use serde::de::{Deserialize, Deserializer, Error};

/// Well below the number of probes that core keeps per link.
const MOST: u32 = 32;

/// Reads a number from 1 to 32.
pub(crate) fn few<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NonZeroU32, D::Error> {
    let misses = NonZeroU32::deserialize(deserializer)?;
    if misses.get() > MOST {
        return Err(D::Error::custom(format!("misses must be at most {MOST}; give fewer")));
    }
    Ok(misses)
}
