//! The phases of an outage, without gaps.

use std::time::{Duration, Instant};

use crate::output::OutagePhase;

/// The phases of an outage so far: at every moment exactly one.
#[derive(Debug)]
pub(crate) struct Timeline {
    parts: Vec<(OutagePhase, Duration)>,
    phase: OutagePhase,
    since: Instant,
}

/// After this many parts, a long outage is recorded as sums instead of in order.
const IN_ORDER: usize = 128;

impl Timeline {
    /// Opens a timeline whose first part, up to `now`, is what detection took.
    pub(crate) fn new(detection: Duration, now: Instant) -> Self {
        Self { parts: vec![(OutagePhase::Detection, detection)], phase: OutagePhase::Detection, since: now }
    }

    /// Hands the time from `now` on to `phase`.
    pub(crate) fn pass_to(&mut self, phase: OutagePhase, now: Instant) {
        let took = now.saturating_duration_since(self.since);
        self.since = now;
        let current = std::mem::replace(&mut self.phase, phase);
        if took.is_zero() {
            return;
        }
        let full = self.parts.len() >= IN_ORDER;
        let same = |part: &&mut (OutagePhase, Duration)| part.0 == current;
        let slot =
            if full { self.parts.iter_mut().rev().find(same) } else { self.parts.last_mut().filter(same) };
        match slot {
            Some(part) => part.1 += took,
            None => self.parts.push((current, took)),
        }
    }

    /// Closes the timeline at `now`.
    pub(crate) fn close(mut self, now: Instant) -> Vec<(OutagePhase, Duration)> {
        let phase = self.phase;
        self.pass_to(phase, now);
        self.parts.retain(|(_, took)| !took.is_zero());
        self.parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_sum_to_the_whole() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut timeline = Timeline::new(Duration::from_millis(70), start);
        for step in 1..=500u64 {
            let phase = if step % 2 == 0 { OutagePhase::Backoff } else { OutagePhase::Handshake };
            timeline.pass_to(phase, at(step * 3));
        }
        let parts = timeline.close(at(1_600));
        assert_eq!(parts.iter().map(|(_, took)| *took).sum::<Duration>(), Duration::from_millis(1_670));
        assert!(parts.len() <= IN_ORDER + 2);
    }
}
