//! The random share of a delay, so that many clients do not return at the same time.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A share of a delay, within `0.0..=1.0`.
///
/// A delay becomes `delay * (1 - jitter * draw)` with a fresh `draw` in `[0, 1)`:
/// at 0.0 the delay is exact, at 1.0 it lies anywhere between nothing and itself.
/// Jitter only shortens, so a delay never exceeds its policy's ceiling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "f64")]
#[schemars(extend("minimum" = 0.0, "maximum" = 1.0))]
pub struct Jitter(f64);

impl Jitter {
    /// Creates a jitter of `share` of every delay.
    ///
    /// # Errors
    /// Fails unless `share` is within `0.0..=1.0`.
    pub fn new(share: f64) -> Result<Self, JitterError> {
        if (0.0..=1.0).contains(&share) { Ok(Self(share)) } else { Err(JitterError(share)) }
    }

    /// Returns the share.
    pub fn share(self) -> f64 {
        self.0
    }

    /// Returns `delay` less the part that `draw`, a number in `[0, 1)`, takes away.
    pub fn shorten(self, delay: Duration, draw: f64) -> Duration {
        if self.0 == 0.0 {
            return delay;
        }
        let kept = delay.as_secs_f64() * (1.0 - self.0 * draw.clamp(0.0, 1.0));
        Duration::try_from_secs_f64(kept).map_or(delay, |shortened| shortened.min(delay))
    }
}

impl TryFrom<f64> for Jitter {
    type Error = JitterError;

    fn try_from(share: f64) -> Result<Self, JitterError> {
        Self::new(share)
    }
}

/// A number that is not a [`Jitter`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JitterError(f64);

impl std::fmt::Display for JitterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "jitter must be between 0.0 and 1.0, got {}", self.0)
    }
}

impl std::error::Error for JitterError {}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_secs(10);

    #[test]
    fn none_keeps_the_delay_exact() {
        assert_eq!(Jitter::default().shorten(Duration::MAX, 0.7), Duration::MAX);
    }

    #[test]
    fn takes_its_share_of_the_draw() {
        let jitter = Jitter::new(0.5).unwrap();
        assert_eq!(jitter.shorten(DELAY, 0.5), Duration::from_millis(7_500));
    }

    #[test]
    fn full_jitter_may_take_nearly_everything() {
        assert!(Jitter::new(1.0).unwrap().shorten(DELAY, 0.999) < Duration::from_millis(11));
    }

    #[test]
    fn refuses_numbers_outside_0_to_1() {
        for share in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(Jitter::new(share).is_err(), "{share}");
        }
    }

    #[test]
    fn survives_an_impossible_draw() {
        let jitter = Jitter::new(1.0).unwrap();
        for draw in [f64::NAN, f64::NEG_INFINITY, 2.0] {
            assert!(jitter.shorten(Duration::MAX, draw) <= Duration::MAX);
        }
    }
}
