//! `constant`: the same delay before every retry.

use std::time::Duration;

use rejoin_core::BackoffPolicy;
use rejoin_core::policy::BackoffContext;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::Jitter;

/// Waits equally long before every retry.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(try_from = "ConstantOptions")]
pub struct Constant(ConstantOptions);

impl Constant {
    /// Returns the options, which are valid.
    pub fn options(&self) -> &ConstantOptions {
        &self.0
    }
}

impl BackoffPolicy for Constant {
    fn delay(&self, context: &BackoffContext<'_>) -> Option<Duration> {
        let ConstantOptions { delay, max_attempts, jitter } = self.0;
        let allowed = max_attempts == 0 || context.attempt < max_attempts;
        allowed.then(|| jitter.shorten(delay, context.jitter))
    }
}

/// The options of [`Constant`].
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConstantOptions {
    /// The time before every retry.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub delay: Duration,
    /// Attempts before the link goes dormant; 0 for no limit.
    pub max_attempts: u32,
    /// The largest random share that is subtracted from the delay.
    pub jitter: Jitter,
}

impl Default for ConstantOptions {
    /// Two seconds: long enough for a restarting server, short enough for a person who watches.
    fn default() -> Self {
        Self { delay: Duration::from_secs(2), max_attempts: 0, jitter: Jitter::default() }
    }
}

impl TryFrom<ConstantOptions> for Constant {
    type Error = &'static str;

    fn try_from(options: ConstantOptions) -> Result<Self, &'static str> {
        if options.delay.is_zero() {
            return Err(
                "delay must be longer than zero, so that attempts do not flood the server; give at least 1ms",
            );
        }
        Ok(Self(options))
    }
}

#[cfg(test)]
mod tests {
    use rejoin_core::{Fault, Link};

    use super::*;

    fn delay(policy: &Constant, attempt: u32) -> Option<Duration> {
        policy.delay(&BackoffContext::new(Link::Signaling, attempt, &Fault::SignalingSilent))
    }

    #[test]
    fn never_changes() {
        let policy = Constant::default();
        for attempt in [0, 1, 1_000, u32::MAX] {
            assert_eq!(delay(&policy, attempt), Some(Duration::from_secs(2)));
        }
    }

    #[test]
    fn stops_after_the_last_attempt() {
        let policy: Constant = toml::from_str("delay = '1s'\nmax_attempts = 2").unwrap();
        assert_eq!(delay(&policy, 1), Some(Duration::from_secs(1)));
        assert_eq!(delay(&policy, 2), None);
    }

    #[test]
    fn refuses_a_delay_of_zero() {
        let error = toml::from_str::<Constant>("delay = '0s'").unwrap_err();
        assert!(error.message().contains("give at least 1ms"), "{error}");
    }

    #[test]
    fn refuses_unknown_options() {
        assert!(toml::from_str::<Constant>("dealy = '1s'").is_err());
    }
}
