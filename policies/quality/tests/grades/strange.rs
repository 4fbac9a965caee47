//! Histories that nothing sane would measure.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use rejoin_core::QualityPolicy;
use rejoin_core::policy::Quality;
use rejoin_core::policy::QualityContext;
use rejoin_core::stats::Sample;
use rejoin_quality::{Ewma, Thresholds};

use crate::path::{USUAL, course, samples, times};

/// Counters that jump, run backwards and reach the end of their range, at times in no order.
fn any_sample() -> impl Strategy<Value = Sample> {
    let counter = || prop_oneof![0..30_u64, any::<u64>(), Just(u64::MAX)];
    let rtt = prop_oneof![
        Just(None),
        Just(Some(Duration::MAX)),
        (0..5_000_u64).prop_map(|millis| Some(Duration::from_millis(millis))),
    ];
    let start = Instant::now();
    (0..600_u64, rtt, (counter(), counter(), counter()), (counter(), counter(), counter())).prop_map(
        move |(seconds, rtt, (packets_received, packets_lost, bytes), (outstanding, sent, answered))| {
            let mut sample = Sample::new(start + Duration::from_secs(seconds));
            sample.rtt = rtt;
            (sample.packets_received, sample.packets_lost) = (packets_received, packets_lost);
            sample.responses_received = packets_received;
            (sample.bytes_sent, sample.bytes_received) = (bytes, bytes);
            sample.bytes_outstanding = outstanding;
            (sample.probes_sent, sample.probes_answered) = (sent, answered);
            sample
        },
    )
}

fn any_quality() -> impl Strategy<Value = Quality> {
    prop_oneof![Just(Quality::Good), Just(Quality::Fair), Just(Quality::Poor)]
}

/// Grades twice: a policy that remembers anything would differ.
fn grades_alike(policy: &impl QualityPolicy, history: &QualityContext<'_>) -> bool {
    policy.grade(history) == policy.grade(history)
}

proptest! {
    #[test]
    fn no_history_is_too_strange(
        samples in prop::collection::vec(any_sample(), 0..=32), previous in any_quality(),
    ) {
        let history = QualityContext::new(&samples, previous, Duration::MAX);
        prop_assert!(grades_alike(&Thresholds::default(), &history));
        prop_assert!(grades_alike(&Ewma::default(), &history));
    }

    #[test]
    fn one_strange_sample_never_makes_a_link_poor(
        mut stranger in any_sample(), at in 0..25_usize,
    ) {
        let mut path = samples(&times(25, USUAL), Duration::from_secs(10));
        stranger.at = path[at].at;
        path[at] = stranger;
        for grades in [course(&Thresholds::default(), &path), course(&Ewma::default(), &path)] {
            prop_assert!(grades.iter().all(|grade| *grade != Quality::Poor), "{grades:?}");
        }
    }
}
