//! `exponential`: every retry waits longer than the one before, up to a ceiling.

use std::time::Duration;

use rejoin_core::BackoffPolicy;
use rejoin_core::policy::BackoffContext;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::Jitter;

/// Multiplies the delay after every failure, up to a ceiling.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(try_from = "ExponentialOptions")]
pub struct Exponential(ExponentialOptions);

impl Exponential {
    /// Returns the options, which are valid.
    pub fn options(&self) -> &ExponentialOptions {
        &self.0
    }
}

impl BackoffPolicy for Exponential {
    fn delay(&self, context: &BackoffContext<'_>) -> Option<Duration> {
        let ExponentialOptions { base, factor, max, max_attempts, jitter } = self.0;
        if max_attempts != 0 && context.attempt >= max_attempts {
            return None;
        }
        let exponent = i32::try_from(context.attempt).unwrap_or(i32::MAX);
        let grown = base.as_secs_f64() * factor.powi(exponent);
        // A value that a Duration cannot hold is longer than any ceiling.
        let delay = Duration::try_from_secs_f64(grown).map_or(max, |delay| delay.min(max));
        Some(jitter.shorten(delay, context.jitter))
    }
}

/// The options of [`Exponential`].
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ExponentialOptions {
    /// The time before the first retry.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub base: Duration,
    /// The factor from each delay to the next; at least 1.
    pub factor: f64,
    /// The ceiling of all delays; at least `base`.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub max: Duration,
    /// Attempts before the link goes dormant; 0 for no limit.
    pub max_attempts: u32,
    /// The largest random share that is subtracted from each delay.
    pub jitter: Jitter,
}

impl Default for ExponentialOptions {
    /// Half a second doubling to thirty: a restart is met quickly, an outage of hours costs little.
    fn default() -> Self {
        Self {
            base: Duration::from_millis(500),
            factor: 2.0,
            max: Duration::from_secs(30),
            max_attempts: 0,
            jitter: Jitter::default(),
        }
    }
}

impl TryFrom<ExponentialOptions> for Exponential {
    type Error = &'static str;

    fn try_from(options: ExponentialOptions) -> Result<Self, &'static str> {
        if options.base.is_zero() {
            return Err(
                "base must be longer than zero, so that attempts do not flood the server; give at least 1ms",
            );
        }
        if !options.factor.is_finite() || options.factor < 1.0 {
            return Err("factor must be a number of at least 1.0, so that delays do not shrink");
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

    fn delay(policy: &Exponential, attempt: u32) -> Option<Duration> {
        policy.delay(&BackoffContext::new(Link::Signaling, attempt, &Fault::SignalingSilent))
    }

    #[test]
    fn doubles_until_the_ceiling_and_stops() {
        let policy: Exponential =
            toml::from_str("base = '5s'\nfactor = 2.0\nmax = '30s'\nmax_attempts = 5").unwrap();
        let seconds: Vec<_> = (0..6).map(|n| delay(&policy, n).map(|delay| delay.as_secs())).collect();
        assert_eq!(seconds, [Some(5), Some(10), Some(20), Some(30), Some(30), None]);
    }

    #[test]
    fn refuses_options_that_contradict_each_other() {
        for (options, remedy) in [
            ("base = '0s'", "at least 1ms"),
            ("factor = 0.5", "at least 1.0"),
            ("factor = nan", "at least 1.0"),
            ("factor = inf", "at least 1.0"),
            ("base = '2s'\nmax = '1s'", "raise max"),
            ("jitter = 1.5", "between 0.0 and 1.0"),
        ] {
            let error = toml::from_str::<Exponential>(options).unwrap_err();
            assert!(error.message().contains(remedy), "{options}: {error}");
        }
    }

    #[test]
    fn refuses_unknown_options() {
        assert!(toml::from_str::<Exponential>("bas = '1s'").is_err());
    }

    proptest! {
        #[test]
        fn never_exceeds_the_ceiling(
            base in 1..=u64::MAX, more in 0..=u64::MAX, factor in 1.0..1e300,
            attempt: u32, share in 0.0..=1.0, draw in 0.0..1.0,
        ) {
            let (base, jitter) = (Duration::from_nanos(base), Jitter::new(share).unwrap());
            let max = base.saturating_add(Duration::from_secs(more));
            let policy =
                Exponential::try_from(ExponentialOptions { base, factor, max, max_attempts: 0, jitter }).unwrap();
            let mut context = BackoffContext::new(Link::Peer, attempt, &Fault::IceFailed);
            context.jitter = draw;
            prop_assert!(policy.delay(&context).unwrap() <= max);
        }

        #[test]
        fn never_shrinks_without_jitter(attempt in 0..u32::MAX, factor in 1.0..10.0) {
            let options = ExponentialOptions { factor, ..ExponentialOptions::default() };
            let policy = Exponential::try_from(options).unwrap();
            prop_assert!(delay(&policy, attempt) <= delay(&policy, attempt + 1));
        }
    }
}
