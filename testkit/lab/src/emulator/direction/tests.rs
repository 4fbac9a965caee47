//! Long runs of frames through one direction, without a clock.

use super::*;
use crate::impairment::Impairment;

const FRAMES: usize = 20_000;
const GAP: Duration = Duration::from_millis(1);
const SEED: u64 = 7;

#[test]
fn a_direction_without_properties_delivers_everything_at_once() {
    let deliveries = deliveries(Properties::default());
    assert!(
        deliveries
            .iter()
            .enumerate()
            .all(|(place, delivery)| delivery.number == place && delivery.time.is_zero())
    );
    assert_eq!(deliveries.len(), FRAMES);
}

#[test]
fn a_delay_is_the_same_for_all() {
    let delay = Duration::from_millis(30);
    let deliveries = deliveries(Properties { delay, ..Properties::default() });
    assert!(deliveries.iter().all(|delivery| delivery.time == delay));
}

#[test]
fn a_cut_loses_everything() {
    assert_eq!(deliveries(Properties { passage: Passage::Cut, ..Properties::default() }), []);
}

#[test]
fn random_loss_has_its_share_and_no_memory() {
    let lost = gaps(&deliveries(impaired(Impairment { loss: Loss::Random(0.1), ..Impairment::default() })));
    near(lost.iter().sum::<usize>() as f64 / FRAMES as f64, 0.1, 0.01);
    // The mean of a geometric distribution: 1 / (1 - 0.1).
    near(mean(&lost), 1.11, 0.1);
}

#[test]
fn bursty_loss_has_its_share_and_its_bursts() {
    let loss = Loss::Bursty { share: 0.1, burst: 8.0 };
    let lost = gaps(&deliveries(impaired(Impairment { loss, ..Impairment::default() })));
    near(lost.iter().sum::<usize>() as f64 / FRAMES as f64, 0.1, 0.03);
    near(mean(&lost), 8.0, 2.0);
}

#[test]
fn jitter_spreads_times_and_keeps_order() {
    let (delay, jitter) = (Duration::from_millis(50), Duration::from_millis(5));
    let mut properties = impaired(Impairment { jitter, ..Impairment::default() });
    properties.delay = delay;
    let deliveries = deliveries(properties);
    assert!(deliveries.windows(2).all(|pair| pair[0].number < pair[1].number));
    let spread =
        |wanted: fn(&Delivery) -> bool| deliveries.iter().filter(|delivery| wanted(delivery)).count();
    assert!(spread(|delivery| delivery.time > Duration::from_millis(55)) > FRAMES / 20);
    assert!(spread(|delivery| delivery.time < Duration::from_millis(50)) > FRAMES / 20);
    assert!(deliveries.iter().all(|delivery| delivery.time >= delay - 3 * jitter));
}

#[test]
fn reordered_frames_are_overtaken() {
    let deliveries = deliveries(impaired(Impairment { reorder: 0.05, ..Impairment::default() }));
    let overtaken = deliveries.windows(2).filter(|pair| pair[0].number > pair[1].number).count();
    assert_eq!(deliveries.len(), FRAMES);
    near(overtaken as f64 / FRAMES as f64, 0.05, 0.01);
}

#[test]
fn a_throttled_link_passes_its_rate_and_drops_the_rest() {
    // A frame of 100 bytes a millisecond is 800 kbit/s.
    let deliveries = deliveries(impaired(Impairment { rate: Some(400_000), ..Impairment::default() }));
    near(deliveries.len() as f64 / FRAMES as f64, 0.5, 0.04);
    // A full queue takes as long as the rate needs to empty it.
    let longest = deliveries.iter().map(|delivery| delivery.time).max().unwrap();
    near(longest.as_secs_f64(), QUEUE as f64 * 8.0 / 400_000.0, 0.01);
}

#[test]
fn the_same_seed_decides_the_same() {
    let properties = impaired(Impairment { loss: Loss::Random(0.3), reorder: 0.1, ..Impairment::default() });
    assert_eq!(deliveries(properties), deliveries(properties));
}

#[test]
fn frames_in_flight_arrive_as_decided() {
    let mut direction = Direction::new(SEED);
    direction.set_properties(Properties { delay: Duration::from_secs(1), ..Properties::default() });
    direction.accept(vec![1], Duration::ZERO);
    direction.set_properties(Properties::default());
    direction.accept(vec![2], GAP);
    assert_eq!(direction.deliver(GAP), Some(vec![2]));
    assert_eq!(direction.next_due(), Some(Duration::from_secs(1)));
}

/// A frame that was delivered.
#[derive(Debug, PartialEq)]
struct Delivery {
    number: usize,
    time: Duration,
}

fn impaired(impairment: Impairment) -> Properties {
    Properties { impairment, ..Properties::default() }
}

/// Sends frames of 100 bytes, one a millisecond, and returns what arrives.
fn deliveries(properties: Properties) -> Vec<Delivery> {
    let mut direction = Direction::new(SEED);
    direction.set_properties(properties);
    let mut deliveries = Vec::new();
    let mut gather = |direction: &mut Direction, until: Duration| {
        while let Some(due) = direction.next_due().filter(|due| *due <= until) {
            let frame = direction.deliver(due).unwrap();
            let number = usize::from_be_bytes(frame[..8].try_into().unwrap());
            deliveries.push(Delivery { number, time: due - GAP * number as u32 });
        }
    };
    for number in 0..FRAMES {
        let now = GAP * number as u32;
        gather(&mut direction, now.saturating_sub(Duration::from_nanos(1)));
        let mut frame = vec![0; 100];
        frame[..8].copy_from_slice(&number.to_be_bytes());
        direction.accept(frame, now);
    }
    gather(&mut direction, Duration::MAX);
    deliveries
}

/// Returns how many frames in a row are missing, wherever some are.
fn gaps(deliveries: &[Delivery]) -> Vec<usize> {
    let missing = |pair: &[Delivery]| pair[1].number - pair[0].number - 1;
    deliveries.windows(2).map(missing).filter(|missing| *missing > 0).collect()
}

fn mean(values: &[usize]) -> f64 {
    values.iter().sum::<usize>() as f64 / values.len() as f64
}

fn near(value: f64, wanted: f64, tolerance: f64) {
    assert!((value - wanted).abs() <= tolerance, "{value} is not {wanted} ± {tolerance} (seed {SEED})");
}
