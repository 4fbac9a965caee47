//! One direction of a link: decides which frame is delivered when, without a clock or a socket.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::f64::consts::TAU;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::properties::{Carried, Passage, Properties};
use crate::impairment::Loss;

/// One direction of a link; times count from any one beginning.
#[derive(Debug)]
pub(super) struct Direction {
    properties: Properties,
    rng: StdRng,
    /// Whether the link is in the bad state of a bursty loss.
    bad: bool,
    /// When the last bit of the throttled queue will have left, and what is still in it.
    free: Duration,
    queue: VecDeque<(Duration, usize)>,
    queued: usize,
    /// What no frame in request may overtake.
    latest: Duration,
    number: u64,
    in_flight: BinaryHeap<Reverse<(Duration, u64, Vec<u8>)>>,
    carried: Carried,
}

/// The queue of a throttled link: about 40 full frames, between a small router buffer and a bloated one.
const QUEUE: usize = 64 * 1024;
/// The additional delay of an overtaken frame: longer than the distance between the packets of a media stream.
const OVERTAKEN: Duration = Duration::from_millis(20);

impl Direction {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            properties: Properties::default(),
            rng: StdRng::seed_from_u64(seed),
            bad: false,
            free: Duration::ZERO,
            queue: VecDeque::new(),
            queued: 0,
            latest: Duration::ZERO,
            number: 0,
            in_flight: BinaryHeap::new(),
            carried: Carried::default(),
        }
    }

    /// Changes what happens to frames from here on; those in delivery arrive as decided.
    pub(super) fn set_properties(&mut self, properties: Properties) {
        self.properties = properties;
        self.bad = false;
        // A frame with a longer earlier delay must not delay those after it.
        self.latest = Duration::ZERO;
    }

    /// Takes a frame that arrived.
    pub(super) fn accept(&mut self, frame: Vec<u8>, now: Duration) {
        self.carried.arrived += 1;
        if self.properties.passage == Passage::Cut || self.loses() {
            self.carried.lost += 1;
            return;
        }
        let Some(sent) = self.sent(frame.len(), now) else {
            self.carried.overflowed += 1;
            return;
        };
        let due = self.due(sent);
        self.number += 1;
        self.in_flight.push(Reverse((due, self.number, frame)));
    }

    /// Returns when the next frame is to be delivered.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.in_flight.peek().map(|Reverse((due, ..))| *due)
    }

    /// Gives the next frame that is due.
    pub(super) fn deliver(&mut self, now: Duration) -> Option<Vec<u8>> {
        let due = self.next_due().filter(|due| *due <= now)?;
        let Reverse((.., frame)) = self.in_flight.pop()?;
        self.carried.lateness = self.carried.lateness.max(now.saturating_sub(due));
        Some(frame)
    }

    /// Counts whether the kernel took a frame.
    pub(super) fn count_delivery(&mut self, taken: std::io::Result<()>) {
        match taken {
            Ok(()) => self.carried.delivered += 1,
            Err(_) => self.carried.refused += 1,
        }
    }

    pub(super) fn carried(&self) -> Carried {
        self.carried
    }

    fn loses(&mut self) -> bool {
        match self.properties.impairment.loss {
            Loss::None => false,
            Loss::Random(share) => self.rng.random::<f64>() < share,
            Loss::Bursty { share, burst } => {
                // The mean stay in the bad state is `burst` frames; `share` of all frames find it there.
                let leave = 1.0 / burst.max(1.0);
                let enter = leave * share / (1.0 - share).max(f64::EPSILON);
                let change = if self.bad { leave } else { enter };
                if self.rng.random::<f64>() < change {
                    self.bad = !self.bad;
                }
                self.bad
            }
        }
    }

    /// Returns when the last bit of a frame has left, or `None` if the queue is full.
    fn sent(&mut self, size: usize, now: Duration) -> Option<Duration> {
        let Some(rate) = self.properties.impairment.rate else { return Some(now) };
        while let Some(&(gone, size)) = self.queue.front()
            && gone <= now
        {
            self.queue.pop_front();
            self.queued -= size;
        }
        if self.queued + size > QUEUE {
            return None;
        }
        let bits = size as f64 * 8.0;
        self.free = self.free.max(now) + Duration::from_secs_f64(bits / rate.max(1) as f64);
        self.queue.push_back((self.free, size));
        self.queued += size;
        Some(self.free)
    }

    fn due(&mut self, sent: Duration) -> Duration {
        let impairment = self.properties.impairment;
        let delay = self.properties.delay + impairment.delay;
        let deviation = self.deviation();
        let shift = impairment.jitter.mul_f64(deviation.abs());
        let wait = if deviation < 0.0 { delay.saturating_sub(shift) } else { delay + shift };
        let due = sent + wait;
        if self.rng.random::<f64>() < impairment.reorder {
            return due + OVERTAKEN;
        }
        self.latest = self.latest.max(due);
        self.latest
    }

    /// Draws from the normal distribution (Box and Muller), without what is beyond three deviations.
    fn deviation(&mut self) -> f64 {
        let (radius, angle) = (self.rng.random::<f64>(), self.rng.random::<f64>());
        ((-2.0 * (1.0 - radius).ln()).sqrt() * (TAU * angle).cos()).clamp(-3.0, 3.0)
    }
}

#[cfg(test)]
mod tests;
