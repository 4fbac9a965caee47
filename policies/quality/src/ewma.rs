//! `ewma`: a link is poor when its smoothed loss or round trip is far above what is usual on its path.

use std::time::Duration;

use rejoin_core::QualityPolicy;
use rejoin_core::policy::Quality;
use rejoin_core::policy::QualityContext;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::window::windows;

/// Compares smoothed loss and round trip with the path's own baseline.
///
/// Each reading gives way to the median of itself and the two before it, so one outlier counts for nothing.
/// The medians are smoothed: each moves the smoothed value by `alpha` of the distance.
/// The baseline is the lowest smoothed value that the history holds, as in RFC 6817 (LEDBAT).
/// A smoothed value is poor above `factor` times the baseline, if that is above the floor, and fair above `margin` of that.
/// A link gets a better grade only once it is below `margin` of what gave it the worse one.
///
/// The history is 32 readings long, so a change that lasts longer is what is usual from then on.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(try_from = "EwmaOptions")]
pub struct Ewma(EwmaOptions);

impl Ewma {
    /// Returns the options, which are valid.
    pub fn options(&self) -> &EwmaOptions {
        &self.0
    }

    /// Returns the newest smoothed reading in units of its limit, or `None` while there are too few readings.
    fn strain(&self, readings: &[f64], floor: f64) -> Option<f64> {
        let mut medians = readings.windows(3).filter_map(median);
        let mut smoothed = medians.next()?;
        let mut baseline = smoothed;
        for median in medians {
            smoothed += self.0.alpha * (median - smoothed);
            baseline = baseline.min(smoothed);
        }
        Some(smoothed / floor.max(baseline * self.0.factor))
    }
}

/// Returns the middle one of three readings.
fn median(three: &[f64]) -> Option<f64> {
    match three {
        [a, b, c] => Some(a.min(*b).max(a.max(*b).min(*c))),
        _ => None,
    }
}

impl QualityPolicy for Ewma {
    fn grade(&self, context: &QualityContext<'_>) -> Quality {
        let windows = windows(context.samples);
        let losses: Vec<f64> = windows.iter().filter_map(|window| Some(window.loss?.least)).collect();
        let round_trips: Vec<f64> =
            windows.iter().filter_map(|window| Some(window.rtt?.as_secs_f64())).collect();
        let strains = [
            self.strain(&losses, self.0.loss_floor),
            self.strain(&round_trips, self.0.rtt_floor.as_secs_f64()),
        ];
        let Some(strain) = strains.into_iter().flatten().reduce(f64::max) else { return context.previous };
        let margin = self.0.margin;
        let (fair, poor) = match context.previous {
            Quality::Good => (margin, 1.0),
            Quality::Fair => (margin * margin, 1.0),
            Quality::Poor => (margin * margin, margin),
        };
        match strain {
            strain if strain > poor => Quality::Poor,
            strain if strain > fair => Quality::Fair,
            _ => Quality::Good,
        }
    }

    fn interval(&self) -> Option<Duration> {
        Some(self.0.interval)
    }
}

/// The options of [`Ewma`].
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EwmaOptions {
    /// The time from one measurement to the next.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub interval: Duration,
    /// The weight of a new measurement; above 0 and up to 1, which means no smoothing.
    pub alpha: f64,
    /// The multiple of the baseline above which a value is poor; above 1 / margin².
    pub factor: f64,
    /// The share of lost probes or packets that is never poor; above 0 and up to 1.
    pub loss_floor: f64,
    /// The round-trip time that is never poor.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub rtt_floor: Duration,
    /// The share of a limit below which a value must fall for a better grade; above 0 and up to 1.
    pub margin: f64,
}

impl Default for EwmaOptions {
    /// Three times the usual, seen about 20 s after a sudden change.
    fn default() -> Self {
        Self {
            // The history of 32 readings then holds more than two minutes.
            interval: Duration::from_secs(5),
            // Four readings make two thirds of the smoothed value.
            alpha: 0.25,
            // A radio link that is merely busy doubles its round trip.
            factor: 3.0,
            // One probe in twenty, which retransmission hides.
            loss_floor: 0.05,
            // Twice the 150 ms up to which a conversation is unaffected (ITU-T G.114).
            rtt_floor: Duration::from_millis(300),
            // Wider than what a smoothed value varies by.
            margin: 0.8,
        }
    }
}

impl TryFrom<EwmaOptions> for Ewma {
    type Error = &'static str;

    fn try_from(options: EwmaOptions) -> Result<Self, &'static str> {
        let share = |number: f64| number > 0.0 && number <= 1.0;
        if options.interval.is_zero() {
            return Err("interval must be longer than zero, so that measuring pauses; give at least 1s");
        }
        if !share(options.alpha) {
            return Err("alpha must be above 0.0 and up to 1.0");
        }
        if !share(options.loss_floor) {
            return Err("loss_floor must be above 0.0 and up to 1.0");
        }
        if options.rtt_floor.is_zero() {
            return Err("rtt_floor must be longer than zero, such as 300ms");
        }
        if !share(options.margin) {
            return Err("margin must be above 0.0 and up to 1.0");
        }
        // A steady path strains its limit by 1 / factor, and must be able to heal from fair.
        if !options.factor.is_finite() || options.factor * options.margin * options.margin <= 1.0 {
            return Err("factor must be above 1 / margin², so that a steady path is graded good");
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
            ("alpha = 0.0", "above 0.0"),
            ("alpha = 1.1", "up to 1.0"),
            ("loss_floor = 0.0", "above 0.0"),
            ("rtt_floor = '0s'", "300ms"),
            ("margin = nan", "up to 1.0"),
            ("factor = 1.5", "1 / margin²"),
            ("factor = inf", "1 / margin²"),
            ("factor = nan", "1 / margin²"),
            ("facto = 2.0", "unknown field"),
        ] {
            let error = toml::from_str::<Ewma>(options).unwrap_err();
            assert!(error.message().contains(remedy), "{options}: {error}");
        }
    }

    #[test]
    fn the_median_of_three_is_the_middle_one() {
        for three in [[1.0, 2.0, 3.0], [3.0, 1.0, 2.0], [2.0, 3.0, 1.0], [2.0, 2.0, 9.0]] {
            assert_eq!(median(&three), Some(2.0), "{three:?}");
        }
    }
}
