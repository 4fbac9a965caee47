//! Paths as a series of windows, and how a policy grades them as time goes by.

use std::time::{Duration, Instant};

use rejoin_core::QualityPolicy;
use rejoin_core::policy::Quality;
use rejoin_core::policy::QualityContext;
use rejoin_core::stats::Sample;

/// Samples that are kept by the machine.
const KEPT: usize = 32;

/// One window of a path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// Probes lost, of the ten that are sent.
    pub(crate) lost: u64,
    /// The round trip in milliseconds.
    pub(crate) rtt: u64,
}

/// What is usual: nothing lost, 50 ms.
pub(crate) const USUAL: Span = Span { lost: 0, rtt: 50 };

/// Returns `count` windows like `span`.
pub(crate) fn times(count: usize, span: Span) -> Vec<Span> {
    vec![span; count]
}

/// Returns the samples at the ends of `spans`, and one before them.
pub(crate) fn samples(spans: &[Span], interval: Duration) -> Vec<Sample> {
    let mut sample = Sample::new(Instant::now());
    let mut samples = vec![sample];
    for span in spans {
        sample.at += interval;
        sample.rtt = Some(Duration::from_millis(span.rtt));
        sample.probes_sent += 10;
        sample.probes_answered += 10 - span.lost;
        samples.push(sample);
    }
    samples
}

/// Returns the grade after every sample, each from the history that the machine would have kept.
pub(crate) fn course(policy: &impl QualityPolicy, samples: &[Sample]) -> Vec<Quality> {
    let mut grade = Quality::Good;
    let mut grades = Vec::new();
    for end in 1..=samples.len() {
        let kept = &samples[end.saturating_sub(KEPT)..end];
        grade = policy.grade(&QualityContext::new(kept, grade, Duration::ZERO));
        grades.push(grade);
    }
    grades
}

/// Returns the grade after every window of `spans`.
pub(crate) fn grades(policy: &impl QualityPolicy, spans: &[Span]) -> Vec<Quality> {
    course(policy, &samples(spans, policy.interval().unwrap())).split_off(1)
}

/// Returns the grade at the end of `spans`.
pub(crate) fn last(policy: &impl QualityPolicy, spans: &[Span]) -> Quality {
    grades(policy, spans).last().copied().unwrap_or_default()
}
