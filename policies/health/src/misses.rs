//! Reading a number of misses that a log of probes can hold.

use std::num::NonZeroU32;

use serde::de::{Deserialize, Deserializer, Error};

/// Well below the number of probes that core remembers per link.
const MOST: u32 = 32;

/// Reads a number from 1 to 32.
pub(crate) fn few<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NonZeroU32, D::Error> {
    let misses = NonZeroU32::deserialize(deserializer)?;
    if misses.get() > MOST {
        return Err(D::Error::custom(format!("more than {MOST} misses are never reached; give fewer")));
    }
    Ok(misses)
}
