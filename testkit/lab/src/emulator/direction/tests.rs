//! Long runs of frames through one direction, without a clock.

use super::*;
use crate::impairment::Impairment;

const FRAMES: usize = 20_000;
const GAP: Duration = Duration::from_millis(1);
const SEED: u64 = 7;

#[test]
fn an_untold_direction_delivers_everything_at_once() {
    let flights = flights(Traits::default());
    assert!(
        flights.iter().enumerate().all(|(place, flight)| flight.number == place && flight.time.is_zero())
    );
    assert_eq!(flights.len(), FRAMES);
}

#[test]
fn a_delay_is_the_same_for_all() {
    let delay = Duration::from_millis(30);
    let flights = flights(Traits { delay, ..Traits::default() });
    assert!(flights.iter().all(|flight| flight.time == delay));
}

#[test]
fn a_cut_loses_everything() {
    assert_eq!(flights(Traits { passage: Passage::Cut, ..Traits::default() }), []);
}

#[test]
fn random_loss_has_its_share_and_no_memory() {
    let lost = gaps(&flights(impaired(Impairment { loss: Loss::Random(0.1), ..Impairment::default() })));
    near(lost.iter().sum::<usize>() as f64 / FRAMES as f64, 0.1, 0.01);
    // The mean of a geometric distribution: 1 / (1 - 0.1).
    near(mean(&lost), 1.11, 0.1);
}

#[test]
fn bursty_loss_has_its_share_and_its_bursts() {
    let loss = Loss::Bursty { share: 0.1, burst: 8.0 };
    let lost = gaps(&flights(impaired(Impairment { loss, ..Impairment::default() })));
    near(lost.iter().sum::<usize>() as f64 / FRAMES as f64, 0.1, 0.03);
    near(mean(&lost), 8.0, 2.0);
}

#[test]
fn jitter_spreads_times_and_keeps_order() {
    let (delay, jitter) = (Duration::from_millis(50), Duration::from_millis(5));
    let mut traits = impaired(Impairment { jitter, ..Impairment::default() });
    traits.delay = delay;
    let flights = flights(traits);
    assert!(flights.windows(2).all(|pair| pair[0].number < pair[1].number));
    let spread = |wanted: fn(&Flight) -> bool| flights.iter().filter(|flight| wanted(flight)).count();
    assert!(spread(|flight| flight.time > Duration::from_millis(55)) > FRAMES / 20);
    assert!(spread(|flight| flight.time < Duration::from_millis(50)) > FRAMES / 20);
    assert!(flights.iter().all(|flight| flight.time >= delay - 3 * jitter));
}

#[test]
fn reordered_frames_are_overtaken() {
    let flights = flights(impaired(Impairment { reorder: 0.05, ..Impairment::default() }));
    let overtaken = flights.windows(2).filter(|pair| pair[0].number > pair[1].number).count();
    assert_eq!(flights.len(), FRAMES);
    near(overtaken as f64 / FRAMES as f64, 0.05, 0.01);
}

#[test]
fn a_throttled_link_passes_its_rate_and_drops_the_rest() {
    // A frame of 100 bytes a millisecond is 800 kbit/s.
    let flights = flights(impaired(Impairment { rate: Some(400_000), ..Impairment::default() }));
    near(flights.len() as f64 / FRAMES as f64, 0.5, 0.04);
    // A full queue takes as long as the rate needs to empty it.
    let longest = flights.iter().map(|flight| flight.time).max().unwrap();
    near(longest.as_secs_f64(), QUEUE as f64 * 8.0 / 400_000.0, 0.01);
}

#[test]
fn the_same_seed_decides_the_same() {
    let traits = impaired(Impairment { loss: Loss::Random(0.3), reorder: 0.1, ..Impairment::default() });
    assert_eq!(flights(traits), flights(traits));
}

#[test]
fn frames_in_flight_arrive_as_decided() {
    let mut direction = Direction::new(SEED);
    direction.become_like(Traits { delay: Duration::from_secs(1), ..Traits::default() });
    direction.accept(vec![1], Duration::ZERO);
    direction.become_like(Traits::default());
    direction.accept(vec![2], GAP);
    assert_eq!(direction.deliver(GAP), Some(vec![2]));
    assert_eq!(direction.next_due(), Some(Duration::from_secs(1)));
}

/// A frame that was delivered.
#[derive(Debug, PartialEq)]
struct Flight {
    number: usize,
    time: Duration,
}

fn impaired(impairment: Impairment) -> Traits {
    Traits { impairment, ..Traits::default() }
}

/// Sends frames of 100 bytes, one a millisecond, and returns what arrives.
fn flights(traits: Traits) -> Vec<Flight> {
    let mut direction = Direction::new(SEED);
    direction.become_like(traits);
    let mut flights = Vec::new();
    let mut gather = |direction: &mut Direction, until: Duration| {
        while let Some(due) = direction.next_due().filter(|due| *due <= until) {
            let frame = direction.deliver(due).unwrap();
            let number = usize::from_be_bytes(frame[..8].try_into().unwrap());
            flights.push(Flight { number, time: due - GAP * number as u32 });
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
    flights
}

/// Returns how many frames in a row are missing, wherever some are.
fn gaps(flights: &[Flight]) -> Vec<usize> {
    let missing = |pair: &[Flight]| pair[1].number - pair[0].number - 1;
    flights.windows(2).map(missing).filter(|missing| *missing > 0).collect()
}

fn mean(values: &[usize]) -> f64 {
    values.iter().sum::<usize>() as f64 / values.len() as f64
}

fn near(value: f64, wanted: f64, tolerance: f64) {
    assert!((value - wanted).abs() <= tolerance, "{value} is not {wanted} ± {tolerance} (seed {SEED})");
}
