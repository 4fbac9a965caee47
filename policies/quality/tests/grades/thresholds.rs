//! `thresholds`, rule by rule.

use rejoin_core::QualityPolicy as _;
use rejoin_core::policy::Quality::{self, Fair, Good, Poor};
use rejoin_core::policy::QualityContext;
use rejoin_quality::Thresholds;

use crate::path::{Span, USUAL, course, grades, last, samples, times};

const LOSSY: Span = Span { lost: 3, rtt: 50 };
const SLOW: Span = Span { lost: 0, rtt: 501 };
/// Below the limit of 500 ms, above the margin of 400 ms.
const NEARLY_SLOW: Span = Span { lost: 0, rtt: 450 };

fn policy() -> Thresholds {
    Thresholds::default()
}

fn given(previous: Quality, spans: &[Span]) -> Quality {
    let samples = samples(spans, policy().options().interval);
    policy().grade(&QualityContext::new(&samples, previous, std::time::Duration::ZERO))
}

#[test]
fn the_defaults_are_those_of_vdo_ninja() {
    let options = policy().options().clone();
    assert_eq!((options.interval.as_secs(), options.rtt.as_millis()), (10, 500));
    assert!((options.loss - 0.10).abs() < f64::EPSILON);
}

#[test]
fn one_window_changes_nothing() {
    for span in [LOSSY, SLOW, NEARLY_SLOW, Span { lost: 10, rtt: 60_000 }] {
        assert_eq!(last(&policy(), &[USUAL, USUAL, span]), Good, "{span:?}");
        assert_eq!(last(&policy(), &[span, USUAL, span, USUAL, span]), Good, "{span:?}");
    }
}

#[test]
fn two_windows_in_a_row_grade() {
    for (span, grade) in [
        (LOSSY, Poor),
        (SLOW, Poor),
        (NEARLY_SLOW, Fair),
        (Span { lost: 0, rtt: 500 }, Fair),
        (Span { lost: 0, rtt: 400 }, Good),
        (Span { lost: 10, rtt: 501 }, Poor),
    ] {
        assert_eq!(last(&policy(), &[USUAL, span, span]), grade, "{span:?}");
    }
}

#[test]
fn loss_and_delay_add_up_to_a_run() {
    assert_eq!(last(&policy(), &[USUAL, LOSSY, SLOW]), Poor);
}

#[test]
fn a_bad_minute_heals_after_three_clear_windows() {
    for bad in [LOSSY, SLOW, Span { lost: 10, rtt: 2_000 }] {
        let spans = [times(6, USUAL), times(6, bad), times(4, USUAL)].concat();
        let seen = grades(&policy(), &spans);
        assert_eq!(seen[7..], [Poor, Poor, Poor, Poor, Poor, Poor, Poor, Good, Good], "{bad:?}");
    }
}

#[test]
fn a_poor_link_does_not_heal_within_the_margin() {
    let spans = [times(3, SLOW), times(20, NEARLY_SLOW)].concat();
    assert_eq!(last(&policy(), &spans), Poor);
}

#[test]
fn a_bad_window_starts_the_healing_over() {
    assert_eq!(given(Poor, &[USUAL, USUAL, SLOW, USUAL, USUAL]), Poor);
    assert_eq!(given(Poor, &[SLOW, USUAL, USUAL, USUAL]), Good);
    assert_eq!(given(Fair, &[NEARLY_SLOW, USUAL, USUAL, USUAL]), Good);
}

#[test]
fn too_little_to_see_keeps_the_grade() {
    for previous in [Good, Fair, Poor] {
        assert_eq!(given(previous, &[]), previous);
        assert_eq!(given(previous, &[USUAL, USUAL]), previous);
    }
}

#[test]
fn windows_without_measurements_are_passed_over() {
    let mut samples = samples(&[USUAL, SLOW, USUAL, SLOW], policy().options().interval);
    samples[3].rtt = None;
    samples[3].probes_sent = samples[2].probes_sent;
    samples[3].probes_answered = samples[2].probes_answered;
    samples[4].probes_sent = samples[3].probes_sent;
    samples[4].probes_answered = samples[3].probes_answered;
    assert_eq!(course(&policy(), &samples)[4], Poor);
}

#[test]
fn probes_under_way_are_no_loss() {
    let mut samples = samples(&times(20, USUAL), policy().options().interval);
    for sample in samples.iter_mut().skip(1).step_by(2) {
        sample.probes_answered -= 1;
    }
    assert!(course(&policy(), &samples).iter().all(|grade| *grade == Good));
}

#[test]
fn a_loss_that_only_the_next_window_proves_is_found() {
    let lossy = Span { lost: 2, rtt: 50 };
    assert_eq!(grades(&policy(), &times(4, lossy)), [Good, Good, Poor, Poor]);
}

#[test]
fn a_new_connection_is_judged_by_its_own_windows() {
    let interval = policy().options().interval;
    let spliced = [samples(&times(2, LOSSY), interval), samples(&[LOSSY], interval)].concat();
    assert_eq!(course(&policy(), &spliced), [Good, Good, Poor, Poor, Poor]);
    let one_each = [samples(&[LOSSY], interval), samples(&[LOSSY], interval)].concat();
    assert_eq!(course(&policy(), &one_each), [Good; 4]);
}

#[test]
fn lost_packets_make_a_link_poor() {
    let mut samples = samples(&times(4, USUAL), policy().options().interval);
    for (sample, lost) in samples.iter_mut().zip([500, 500, 515, 530, 530]) {
        sample.packets_lost = lost;
        sample.packets_received = lost * 5;
    }
    assert_eq!(course(&policy(), &samples), [Good, Good, Good, Poor, Poor]);
}

#[test]
fn other_limits_apply_as_given() {
    let policy: Thresholds =
        toml::from_str("loss = 0.5\nrtt = '1s'\nworse_after = 1\nbetter_after = 1\nmargin = 1.0").unwrap();
    let slow = Span { lost: 0, rtt: 1_001 };
    assert_eq!(grades(&policy, &[LOSSY, SLOW, slow, SLOW]), [Good, Good, Poor, Good]);
}
