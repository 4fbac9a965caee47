//! `ewma`, rule by rule.

use std::time::Duration;

use rejoin_core::QualityPolicy as _;
use rejoin_core::policy::Quality::{self, Fair, Good, Poor};
use rejoin_core::policy::QualityContext;
use rejoin_quality::Ewma;

use crate::path::{Span, USUAL, course, grades, last, samples, times};

fn policy() -> Ewma {
    Ewma::default()
}

fn delayed(rtt: u64) -> Span {
    Span { lost: 0, rtt }
}

fn given(previous: Quality, spans: &[Span]) -> Quality {
    let samples = samples(spans, policy().options().interval);
    policy().grade(&QualityContext::new(&samples, previous, Duration::ZERO))
}

/// How many windows like `span` after a usual time pass before the link is poor.
fn windows_until_poor(span: Span) -> Option<usize> {
    let seen = grades(&policy(), &[times(10, USUAL), times(15, span)].concat());
    seen[10..].iter().position(|grade| *grade == Poor).map(|index| index + 1)
}

#[test]
fn one_outlier_counts_for_nothing() {
    let outlier = Span { lost: 10, rtt: 60_000 };
    for before in 0..12 {
        let spans = [times(before, USUAL), vec![outlier], times(6, USUAL)].concat();
        assert!(grades(&policy(), &spans).iter().all(|grade| *grade == Good), "after {before}");
    }
}

#[test]
fn a_lasting_change_is_poor_the_sooner_the_worse_it_is() {
    assert_eq!(windows_until_poor(delayed(2_000)), Some(2));
    assert_eq!(windows_until_poor(delayed(500)), Some(4));
    assert_eq!(windows_until_poor(delayed(250)), None);
    assert_eq!(windows_until_poor(Span { lost: 4, rtt: 50 }), Some(2));
}

#[test]
fn what_is_usual_on_a_path_is_good() {
    for rtt in [1, 50, 300, 700, 5_000] {
        assert_eq!(last(&policy(), &times(32, delayed(rtt))), Good, "{rtt} ms");
    }
}

#[test]
fn a_slow_path_is_poor_only_far_above_its_own_baseline() {
    let satellite = times(15, delayed(700));
    assert_eq!(last(&policy(), &[satellite.clone(), times(15, delayed(1_200))].concat()), Good);
    assert_eq!(last(&policy(), &[satellite.clone(), times(15, delayed(1_900))].concat()), Fair);
    assert_eq!(last(&policy(), &[satellite, times(15, delayed(4_000))].concat()), Poor);
}

#[test]
fn below_the_floor_nothing_is_poor() {
    let spans = [times(15, delayed(1)), times(15, delayed(200))].concat();
    assert!(grades(&policy(), &spans).iter().all(|grade| *grade == Good));
}

#[test]
fn a_bad_minute_heals() {
    let spans = [times(6, USUAL), times(12, delayed(2_000)), times(13, USUAL)].concat();
    let seen = grades(&policy(), &spans);
    assert_eq!(seen[17], Poor);
    assert_eq!(seen.last(), Some(&Good));
}

#[test]
fn a_change_that_outlasts_the_history_is_the_new_usual() {
    let spans = [times(10, USUAL), times(60, delayed(800))].concat();
    let seen = grades(&policy(), &spans);
    assert_eq!((seen[20], seen[69]), (Poor, Good));
}

#[test]
fn a_worse_grade_is_kept_within_the_margin() {
    // 50 ms set the limit of 300 ms: 270 ms are 0.9 of it, 210 ms 0.7.
    for (rtt, grades) in
        [(270, [Fair, Fair, Poor]), (210, [Good, Fair, Fair]), (150, [Good, Good, Good]), (400, [Poor; 3])]
    {
        let spans = [times(3, USUAL), times(28, delayed(rtt))].concat();
        for (previous, grade) in [Good, Fair, Poor].into_iter().zip(grades) {
            assert_eq!(given(previous, &spans), grade, "{rtt} ms after {previous:?}");
        }
    }
}

#[test]
fn too_little_to_see_keeps_the_grade() {
    for previous in [Good, Fair, Poor] {
        assert_eq!(given(previous, &[delayed(9_000), USUAL]), previous);
    }
}

#[test]
fn a_new_connection_has_its_own_baseline() {
    let interval = policy().options().interval;
    let spliced = [samples(&times(8, USUAL), interval), samples(&times(8, delayed(900)), interval)].concat();
    assert!(course(&policy(), &spliced).iter().all(|grade| *grade == Good));
}
