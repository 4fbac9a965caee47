//! `decorrelated_jitter`: every retry waits a random time between the shortest delay and three times the last one.

use std::time::Duration;

use rejoin_core::BackoffPolicy;
use rejoin_core::policy::BackoffContext;
use schemars::JsonSchema;
use serde::Deserialize;

/// Draws every delay from `base` to three times the delay before, up to a ceiling.
///
/// A fleet that broke in one instant is spread out by the first retry, and further by every other.
/// From "Exponential Backoff And Jitter" in the AWS Architecture Blog.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "DecorrelatedJitterOptions")]
pub struct DecorrelatedJitter(DecorrelatedJitterOptions);

impl DecorrelatedJitter {
    /// Returns the options, which are valid.
    pub fn options(&self) -> &DecorrelatedJitterOptions {
        &self.0
    }
}

impl BackoffPolicy for DecorrelatedJitter {
    fn delay(&self, context: &BackoffContext<'_>) -> Option<Duration> {
        let DecorrelatedJitterOptions { base, max, max_attempts } = self.0;
        if max_attempts != 0 && context.attempt >= max_attempts {
            return None;
        }
        // Attempts start again at zero when the network has changed, and the delay before that does not count.
        let previous = context.previous.filter(|_| context.attempt > 0).unwrap_or(base).max(base);
        let room = previous.saturating_mul(3).saturating_sub(base).as_secs_f64();
        // A value that a Duration cannot hold, or NaN, is longer than any ceiling.
        let drawn = Duration::try_from_secs_f64(room * context.jitter.clamp(0.0, 1.0)).unwrap_or(max);
        Some(base.saturating_add(drawn).min(max))
    }
}

/// The options of [`DecorrelatedJitter`].
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DecorrelatedJitterOptions {
    /// The shortest delay; the first lies between it and three times it.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub base: Duration,
    /// The ceiling of all delays; at least `base`.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub max: Duration,
    /// Attempts before the link goes dormant; 0 for no limit.
    pub max_attempts: u32,
}

impl Default for DecorrelatedJitterOptions {
    /// A second, growing to thirty: about as often as `exponential` asks, but at no common time.
    fn default() -> Self {
        Self { base: Duration::from_secs(1), max: Duration::from_secs(30), max_attempts: 0 }
    }
}

impl TryFrom<DecorrelatedJitterOptions> for DecorrelatedJitter {
    type Error = &'static str;

    fn try_from(options: DecorrelatedJitterOptions) -> Result<Self, &'static str> {
        if options.base.is_zero() {
            return Err(
                "base must be longer than zero, so that attempts do not flood the server; give at least 1ms",
            );
        }
        if options.base > options.max {
            return Err("base is longer than max; raise max or lower base");
        }
        Ok(Self(options))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rejoin_core::{Fault, Link};

    use super::*;

    const BASE: u64 = 2_000;
    const MAX: u64 = 60_000;

    fn policy() -> DecorrelatedJitter {
        toml::from_str("base = '2s'\nmax = '60s'\nmax_attempts = 3").unwrap()
    }

    /// Returns the delay in milliseconds.
    fn delay(attempt: u32, previous: Option<u64>, jitter: f64) -> Option<u128> {
        let mut context = BackoffContext::new(Link::Signaling, attempt, &Fault::SignalingSilent);
        (context.previous, context.jitter) = (previous.map(Duration::from_millis), jitter);
        policy().delay(&context).map(|delay| delay.as_millis())
    }

    #[test]
    fn the_first_delay_lies_between_one_and_three_times_the_base() {
        assert_eq!(delay(0, None, 0.0), Some(2_000));
        assert_eq!(delay(0, None, 0.5), Some(4_000));
        assert_eq!(delay(0, None, 0.999_999), Some(5_999));
    }

    #[test]
    fn later_delays_reach_three_times_the_one_before() {
        assert_eq!(delay(1, Some(4_000), 0.0), Some(2_000));
        assert_eq!(delay(1, Some(4_000), 0.5), Some(7_000));
        assert_eq!(delay(2, Some(59_000), 0.9), Some(60_000));
    }

    #[test]
    fn a_new_beginning_forgets_the_delay_before() {
        assert_eq!(delay(0, Some(60_000), 0.5), delay(0, None, 0.5));
    }

    #[test]
    fn stops_after_the_last_attempt() {
        assert_eq!(delay(3, Some(4_000), 0.5), None);
    }

    #[test]
    fn refuses_options_that_contradict_each_other() {
        for (options, remedy) in [("base = '0s'", "at least 1ms"), ("base = '2m'", "raise max")] {
            let error = toml::from_str::<DecorrelatedJitter>(options).unwrap_err();
            assert!(error.message().contains(remedy), "{options}: {error}");
        }
    }

    #[test]
    fn refuses_unknown_options() {
        assert!(toml::from_str::<DecorrelatedJitter>("jitter = 0.5").is_err());
    }

    proptest! {
        #[test]
        fn stays_between_base_and_ceiling(attempt in 0..3_u32, previous: Option<u64>, jitter: f64) {
            let delay = delay(attempt, previous, jitter).unwrap();
            prop_assert!((u128::from(BASE)..=u128::from(MAX)).contains(&delay));
        }
    }
}
