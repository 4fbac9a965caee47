//! `thresholds`: a link is poor while its loss or its round trip stays above a fixed limit.

use std::num::NonZeroU32;
use std::time::Duration;

use rejoin_core::QualityPolicy;
use rejoin_core::policy::Quality;
use rejoin_core::policy::QualityContext;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::window::{Window, windows};

/// Compares each window, the time from one reading to the next, with fixed limits.
///
/// A window is over if its loss or its round trip is over the limit, and clear if both are below `margin` of it.
/// `worse_after` windows over in a row make a link poor, and as many that are not clear make a good link fair.
/// `better_after` clear windows in a row make it good again; between the two it keeps its grade.
/// A window in which nothing was measured is passed over.
/// So is the newest one for as long as it depends on the answers to its last probes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(try_from = "ThresholdsOptions")]
pub struct Thresholds(ThresholdsOptions);

impl Thresholds {
    /// Returns the options, which are valid.
    pub fn options(&self) -> &ThresholdsOptions {
        &self.0
    }

    /// Returns what a window says, or `None` while it says nothing certain.
    fn verdict(&self, window: &Window) -> Option<Verdict> {
        let ThresholdsOptions { loss, rtt, margin, .. } = self.0;
        let level = |value: f64, limit: f64| match value {
            over if over > limit => Verdict::Over,
            near if near > limit * margin => Verdict::Near,
            _ => Verdict::Clear,
        };
        let round_trip = window.rtt.map(|taken| level(taken.as_secs_f64(), rtt.as_secs_f64()));
        let at_least = window.loss.map(|lost| level(lost.least, loss)).max(round_trip);
        let at_most = window.loss.map(|lost| level(lost.most, loss)).max(round_trip);
        at_least.filter(|_| at_least == at_most)
    }
}

/// What a window says, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Clear,
    Near,
    Over,
}

impl QualityPolicy for Thresholds {
    fn grade(&self, context: &QualityContext<'_>) -> Quality {
        let verdicts: Vec<Verdict> =
            windows(context.samples).iter().filter_map(|window| self.verdict(window)).collect();
        let newest = |count: NonZeroU32, matches: fn(Verdict) -> bool| {
            let count = usize::try_from(count.get()).unwrap_or(usize::MAX);
            let run = verdicts.iter().rev().take(count);
            verdicts.len() >= count && run.copied().all(matches)
        };
        if newest(self.0.worse_after, |verdict| verdict == Verdict::Over) {
            return Quality::Poor;
        }
        match context.previous {
            Quality::Good if newest(self.0.worse_after, |verdict| verdict > Verdict::Clear) => Quality::Fair,
            Quality::Good => Quality::Good,
            Quality::Fair | Quality::Poor
                if newest(self.0.better_after, |verdict| verdict == Verdict::Clear) =>
            {
                Quality::Good
            }
            Quality::Fair | Quality::Poor => context.previous,
        }
    }

    fn interval(&self) -> Option<Duration> {
        Some(self.0.interval)
    }
}

/// The options of [`Thresholds`].
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ThresholdsOptions {
    /// The time from one measurement to the next.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub interval: Duration,
    /// The share of lost probes or packets above which a window is bad; above 0 and up to 1.
    pub loss: f64,
    /// The round-trip time above which a window is bad.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub rtt: Duration,
    /// Bad windows in a row after which a link is poor; at most 30.
    pub worse_after: NonZeroU32,
    /// Clear windows in a row after which a link is good again; at most 30.
    pub better_after: NonZeroU32,
    /// The share of a limit below which a window is clear; above 0 and up to 1.
    pub margin: f64,
}

impl Default for ThresholdsOptions {
    /// What VDO.Ninja users expect: 10 % and 500 ms, looked at every 10 s.
    fn default() -> Self {
        let one = NonZeroU32::MIN;
        Self {
            interval: Duration::from_secs(10),
            loss: 0.10,
            rtt: Duration::from_millis(500),
            // One bad window may be one burst.
            worse_after: one.saturating_add(1),
            // Longer than the way down, so that a link at its limit does not change its grade all the time.
            better_after: one.saturating_add(2),
            // Wider than what a steady round trip varies by.
            margin: 0.8,
        }
    }
}

/// Samples are kept up to 32, which make 31 windows, of which the newest may be uncertain.
const MOST_WINDOWS: u32 = 30;

impl TryFrom<ThresholdsOptions> for Thresholds {
    type Error = &'static str;

    fn try_from(options: ThresholdsOptions) -> Result<Self, &'static str> {
        if options.interval.is_zero() {
            return Err("interval must be longer than zero, so that measuring pauses; give at least 1s");
        }
        if options.rtt.is_zero() {
            return Err("rtt must be longer than zero, such as 500ms");
        }
        if !(options.loss > 0.0 && options.loss <= 1.0) {
            return Err("loss must be above 0.0 and up to 1.0");
        }
        if !(options.margin > 0.0 && options.margin <= 1.0) {
            return Err("margin must be above 0.0 and up to 1.0");
        }
        if options.worse_after.get() > MOST_WINDOWS || options.better_after.get() > MOST_WINDOWS {
            return Err(
                "worse_after and better_after must be at most 30, the number of windows that are kept",
            );
        }
        Ok(Self(options))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_options_that_make_no_sense() {
        for (options, remedy) in [
            ("interval = '0s'", "at least 1s"),
            ("rtt = '0s'", "500ms"),
            ("loss = 0.0", "above 0.0"),
            ("loss = 10.0", "up to 1.0"),
            ("loss = nan", "up to 1.0"),
            ("margin = 0.0", "above 0.0"),
            ("margin = 1.5", "up to 1.0"),
            ("worse_after = 0", "nonzero"),
            ("worse_after = 31", "at most 30"),
            ("better_after = 31", "at most 30"),
            ("los = 0.1", "unknown field"),
        ] {
            let error = toml::from_str::<Thresholds>(options).unwrap_err();
            assert!(error.message().contains(remedy), "{options}: {error}");
        }
    }

    #[test]
    fn measures_at_its_interval() {
        let policy: Thresholds = toml::from_str("interval = '3s'").unwrap();
        assert_eq!(policy.interval(), Some(Duration::from_secs(3)));
    }
}
