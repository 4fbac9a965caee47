//! The samples of each checkpoint with each profile, and their percentiles.

use std::collections::BTreeMap;

use crate::result::{Measurement, RunResult};

/// The key of a set of samples.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The profile of both peers.
    pub profile: String,
    /// The scenario.
    pub scenario: String,
    /// The checkpoint of the scenario.
    pub checkpoint: String,
}

/// All measurements, in the order of profile, scenario and checkpoint.
pub type Samples<'a> = BTreeMap<Key, Vec<&'a Measurement>>;

/// Sorts the measurements of all results.
pub fn sorted(results: &[RunResult]) -> Samples<'_> {
    let mut samples = Samples::new();
    for result in results {
        for measure in &result.checkpoints {
            let key = Key {
                profile: result.profile.clone(),
                scenario: result.scenario.clone(),
                checkpoint: measure.checkpoint.clone(),
            };
            samples.entry(key).or_default().push(measure);
        }
    }
    samples
}

/// Returns the value below which this share of the values lies, by the nearest rank; `None` without values.
pub fn percentile(values: impl IntoIterator<Item = f64>, share: f64) -> Option<f64> {
    let mut values: Vec<_> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank is small and positive"
    )]
    let rank = (values.len() as f64 * share).ceil().max(1.0) as usize;
    values.get(rank - 1).copied()
}

/// Returns the mean of the values; zero without values.
pub fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let values: Vec<_> = values.into_iter().collect();
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let twenty = || (1..=20).map(f64::from);
        assert_eq!(percentile(twenty(), 0.5), Some(10.0));
        assert_eq!(percentile(twenty(), 0.95), Some(19.0));
        assert_eq!(percentile([7.0], 0.95), Some(7.0));
        assert_eq!(percentile([], 0.5), None);
    }

    #[test]
    fn the_mean_without_values_is_zero() {
        assert_eq!((mean([]), mean([1.0, 3.0])), (0.0, 2.0));
    }
}
