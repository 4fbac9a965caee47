//! The probes of one socket or connection: when they were sent and answered, and the round-trip time.

use std::time::{Duration, Instant};

use crate::policy::Probe;
use crate::rtt::Rtt;

/// How many probes are remembered; older ones are beyond any policy's misses.
const REMEMBERED: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Probes {
    log: Vec<Probe>,
    /// The number of the first probe in `log`.
    first: u64,
    answered: u64,
    pub(crate) acknowledged_at: Option<Instant>,
    pub(crate) last_received: Option<Instant>,
    pub(crate) rtt: Option<Rtt>,
}

impl Probes {
    /// Records a probe and returns its number.
    pub(crate) fn sent(&mut self, now: Instant) -> u64 {
        if self.log.len() == REMEMBERED {
            self.log.remove(0);
            self.first += 1;
        }
        self.log.push(Probe { sent_at: now, answered_at: None });
        self.first + self.log.len() as u64 - 1
    }

    /// Records an answer and returns when its probe was sent; `None` if the number is unknown or answered already.
    pub(crate) fn answered(&mut self, number: u64, now: Instant) -> Option<Instant> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let probe = self.log.get_mut(index).filter(|probe| probe.answered_at.is_none())?;
        probe.answered_at = Some(now);
        self.answered += 1;
        let sample = now.saturating_duration_since(probe.sent_at);
        self.rtt = Some(self.rtt.map_or(Rtt::first(sample), |rtt| rtt.updated(sample)));
        self.acknowledged_at = Some(now);
        Some(probe.sent_at)
    }

    /// Records an answer without a number (a WebSocket pong): TCP keeps the order, so it answers the oldest probe.
    pub(crate) fn answered_in_order(&mut self, now: Instant) {
        let oldest = self.log.iter().position(|probe| probe.answered_at.is_none());
        if let Some(index) = oldest {
            self.answered(self.first + index as u64, now);
        }
        self.acknowledged_at = Some(now);
    }

    /// Returns how long the oldest probe without an answer has been waiting, zero if there is none.
    pub(crate) fn unanswered_for(&self, now: Instant) -> Duration {
        let oldest = self.log.iter().find(|probe| probe.answered_at.is_none());
        oldest.map_or(Duration::ZERO, |probe| now.saturating_duration_since(probe.sent_at))
    }

    pub(crate) fn log(&self) -> &[Probe] {
        &self.log
    }

    /// Returns how many probes were sent and answered.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.first + self.log.len() as u64, self.answered)
    }

    /// Returns for how long nothing has arrived, counted from `since` if nothing ever did.
    pub(crate) fn silent_for(&self, since: Instant, now: Instant) -> Duration {
        now.saturating_duration_since(self.last_received.unwrap_or(since).max(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_answer_counts_and_measures() {
        let start = Instant::now();
        let mut probes = Probes::default();
        let number = probes.sent(start);
        let late = start + Duration::from_secs(3);
        assert_eq!(probes.answered(number, late), Some(start));
        assert_eq!(probes.rtt.map(|rtt| rtt.smoothed), Some(Duration::from_secs(3)));
        assert_eq!(probes.acknowledged_at, Some(late));
    }

    #[test]
    fn forgotten_and_foreign_numbers_answer_nothing() {
        let now = Instant::now();
        let mut probes = Probes::default();
        for _ in 0..=REMEMBERED {
            probes.sent(now);
        }
        assert_eq!(probes.answered(0, now), None);
        assert_eq!(probes.answered(999, now), None);
        assert!(probes.answered(64, now).is_some());
        assert_eq!(probes.answered(64, now), None);
        assert_eq!(probes.counts(), (REMEMBERED as u64 + 1, 1));
    }
}
