//! Every deadline of the machine, by name.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::id::PeerKey;
use crate::supervisor::Timer;

/// Deadlines by timer; setting one again moves it.
#[derive(Debug, Default)]
pub(crate) struct Timers(BTreeMap<Timer, Instant>);

impl Timers {
    pub(crate) fn set(&mut self, timer: Timer, now: Instant, after: Duration) {
        self.0.insert(timer, now + after.min(FAR));
    }

    /// Sets a timer unless it runs already.
    pub(crate) fn set_if_unset(&mut self, timer: Timer, now: Instant, after: Duration) {
        self.0.entry(timer).or_insert(now + after.min(FAR));
    }

    pub(crate) fn clear(&mut self, timer: &Timer) {
        self.0.remove(timer);
    }

    pub(crate) fn clear_peer(&mut self, key: &PeerKey) {
        for timer in PEER_TIMERS {
            self.0.remove(&timer(key.clone()));
        }
    }

    /// Sets for `to` what was set for `from`.
    pub(crate) fn rename_peer(&mut self, from: &PeerKey, to: &PeerKey) {
        for timer in PEER_TIMERS {
            if let Some(at) = self.0.remove(&timer(from.clone())) {
                self.0.insert(timer(to.clone()), at);
            }
        }
    }

    pub(crate) fn clear_all(&mut self) {
        self.0.clear();
    }

    pub(crate) fn next(&self) -> Option<(Instant, Timer)> {
        self.0.iter().min_by_key(|(_, at)| **at).map(|(timer, at)| (*at, timer.clone()))
    }

    /// Returns every timer that is due, earliest first.
    pub(crate) fn due(&self, now: Instant) -> Vec<(Instant, Timer)> {
        let due = self.0.iter().filter(|(_, at)| **at <= now);
        let mut due: Vec<(Instant, Timer)> = due.map(|(timer, at)| (*at, timer.clone())).collect();
        due.sort();
        due
    }

    /// Takes a timer and returns whether it was still set for `at`.
    pub(crate) fn take(&mut self, timer: &Timer, at: Instant) -> bool {
        let is_set = self.0.get(timer) == Some(&at);
        if is_set {
            self.0.remove(timer);
        }
        is_set
    }

    pub(crate) fn is_set(&self, timer: &Timer) -> bool {
        self.0.contains_key(timer)
    }

    /// Returns the links that timers are set for.
    #[cfg(test)]
    pub(crate) fn peers(&self) -> impl Iterator<Item = &PeerKey> {
        self.0.keys().filter_map(|timer| match timer {
            Timer::Repair(key)
            | Timer::HeadStart(key)
            | Timer::Verification(key)
            | Timer::Spare(key)
            | Timer::Checkup(key)
            | Timer::Stats(key)
            | Timer::Acknowledgement(key)
            | Timer::Unacknowledged(key)
            | Timer::Gone(key) => Some(key),
            Timer::Signaling | Timer::SignalingCheckup | Timer::RoomJoin | Timer::Reseed => None,
        })
    }
}

const PEER_TIMERS: [fn(PeerKey) -> Timer; 9] = [
    Timer::Repair,
    Timer::HeadStart,
    Timer::Verification,
    Timer::Spare,
    Timer::Checkup,
    Timer::Stats,
    Timer::Acknowledgement,
    Timer::Unacknowledged,
    Timer::Gone,
];

/// No policy means to wait longer than a month; the cut keeps `Instant` arithmetic from overflowing.
const FAR: Duration = Duration::from_secs(30 * 24 * 3600);
