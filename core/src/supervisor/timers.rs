//! The deadlines of the machine, by name.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap};
use std::time::{Duration, Instant};

use crate::id::PeerKey;

/// A deadline of the machine, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// The signaling link's current wait: backoff, dialing, joining, sleeping.
    Signaling,
    /// The signaling link's next checkup.
    SignalingCheckup,
    /// The end of the wait for a room's listing.
    RoomJoin,
    /// The next claim of a stream id that a ghost still holds.
    Reseed,
    /// The current wait of a peer link's outage: grace, backoff, a phase, sleep.
    Repair(PeerKey),
    /// The end of the time that a mild repair has before a new connection is built beside it.
    HeadStart(PeerKey),
    /// The next ping of a verification.
    Verification(PeerKey),
    /// When a peer link looks after its spare connection.
    Spare(PeerKey),
    /// A peer link's next checkup.
    Checkup(PeerKey),
    /// A peer link's next reading.
    Stats(PeerKey),
    /// When a peer link acknowledges what it received, or should have got an acknowledgement.
    Delivery(PeerKey),
    /// The end of our patience with a peer that nobody named and that is gone.
    Gone(PeerKey),
}

/// The timers that are set; setting one again moves it.
///
/// A timer that is cleared or moved back keeps its entry in the queue until that entry comes first.
/// So a timer that is moved with every message costs no more than a look-up.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    deadlines: HashMap<Timer, Deadline>,
    /// The first entry is exact: its timer is set for that time.
    queue: BinaryHeap<Reverse<(Instant, Timer)>>,
}

#[derive(Clone, Copy, Debug)]
struct Deadline {
    /// `None` if the timer is cleared and its entry is still queued.
    at: Option<Instant>,
    /// The time of the timer's entry in the queue, never after `at`; any other entry is outdated.
    queued: Option<Instant>,
}

impl Timers {
    pub(crate) fn set(&mut self, timer: Timer, now: Instant, after: Duration) {
        let at = now + after.min(FAR);
        let deadline = match self.deadlines.entry(timer.clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(Deadline { at: None, queued: None }),
        };
        deadline.at = Some(at);
        if deadline.queued.is_none_or(|queued| at < queued) {
            deadline.queued = Some(at);
            self.queue.push(Reverse((at, timer)));
        }
        self.settle();
    }

    pub(crate) fn clear(&mut self, timer: &Timer) {
        let Some(deadline) = self.deadlines.get_mut(timer) else { return };
        deadline.at = None;
        if deadline.queued.is_none() {
            self.deadlines.remove(timer);
        }
        self.settle();
    }

    pub(crate) fn clear_peer(&mut self, key: &PeerKey) {
        for timer in PEER_TIMERS {
            self.clear(&timer(key.clone()));
        }
    }

    /// Sets for `to` what was set for `from`.
    pub(crate) fn rename_peer(&mut self, from: &PeerKey, to: &PeerKey) {
        for timer in PEER_TIMERS {
            let old = timer(from.clone());
            if let Some(at) = self.deadlines.get(&old).and_then(|deadline| deadline.at) {
                self.clear(&old);
                self.set(timer(to.clone()), at, Duration::ZERO);
            }
        }
    }

    pub(crate) fn clear_all(&mut self) {
        *self = Self::default();
    }

    /// Returns the earliest timer.
    pub(crate) fn next(&self) -> Option<(Instant, Timer)> {
        self.queue.peek().map(|Reverse(first)| first.clone())
    }

    /// Returns every timer that is due, earliest first; each is to be taken with [`take`](Self::take).
    pub(crate) fn due(&mut self, now: Instant) -> Vec<(Instant, Timer)> {
        let mut due = Vec::new();
        while let Some((at, timer)) = self.next().filter(|(at, _)| *at <= now) {
            self.queue.pop();
            if let Some(deadline) = self.deadlines.get_mut(&timer) {
                deadline.queued = None;
            }
            due.push((at, timer));
            self.settle();
        }
        due
    }

    /// Takes a timer that was due and returns whether it is still set for `at`.
    pub(crate) fn take(&mut self, timer: &Timer, at: Instant) -> bool {
        let is_set = self.deadlines.get(timer).is_some_and(|deadline| deadline.at == Some(at));
        if is_set {
            self.clear(timer);
        }
        is_set
    }

    pub(crate) fn is_set(&self, timer: &Timer) -> bool {
        self.deadlines.get(timer).is_some_and(|deadline| deadline.at.is_some())
    }

    /// Drops and moves entries until the first one is exact.
    fn settle(&mut self) {
        while let Some(Reverse((at, timer))) = self.queue.peek() {
            let at = *at;
            let deadline = self.deadlines.get_mut(timer).filter(|deadline| deadline.queued == Some(at));
            let moved_to = match deadline {
                Some(deadline) if deadline.at == Some(at) => return,
                Some(deadline) => {
                    deadline.queued = deadline.at;
                    if deadline.at.is_none() {
                        self.deadlines.remove(timer);
                        None
                    } else {
                        deadline.at
                    }
                }
                None => None,
            };
            let Some(Reverse((_, timer))) = self.queue.pop() else { return };
            self.queue.extend(moved_to.map(|at| Reverse((at, timer))));
        }
    }

    /// Returns the links that timers are set for.
    #[cfg(test)]
    pub(crate) fn peers(&self) -> impl Iterator<Item = &PeerKey> {
        let set = self.deadlines.iter().filter(|(_, deadline)| deadline.at.is_some());
        set.filter_map(|(timer, _)| match timer {
            Timer::Repair(key)
            | Timer::HeadStart(key)
            | Timer::Verification(key)
            | Timer::Spare(key)
            | Timer::Checkup(key)
            | Timer::Stats(key)
            | Timer::Delivery(key)
            | Timer::Gone(key) => Some(key),
            Timer::Signaling | Timer::SignalingCheckup | Timer::RoomJoin | Timer::Reseed => None,
        })
    }
}

const PEER_TIMERS: [fn(PeerKey) -> Timer; 8] = [
    Timer::Repair,
    Timer::HeadStart,
    Timer::Verification,
    Timer::Spare,
    Timer::Checkup,
    Timer::Stats,
    Timer::Delivery,
    Timer::Gone,
];

/// No policy means to wait longer than a month; the cut keeps `Instant` arithmetic from overflowing.
const FAR: Duration = Duration::from_secs(30 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_fires_at_the_time_it_was_set_for_last() {
        let start = Instant::now();
        for [first, last] in [[2, 5], [5, 2]] {
            let mut timers = Timers::default();
            timers.set(Timer::Signaling, start, Duration::from_secs(first));
            timers.set(Timer::Signaling, start, Duration::from_secs(last));
            let at = start + Duration::from_secs(last);
            assert_eq!(timers.next(), Some((at, Timer::Signaling)));
            assert_eq!(timers.due(at), [(at, Timer::Signaling)]);
            assert!(timers.take(&Timer::Signaling, at));
            assert_eq!(timers.next(), None);
        }
    }

    #[test]
    fn a_due_timer_that_another_clears_or_moves_is_not_taken() {
        let start = Instant::now();
        let mut timers = Timers::default();
        timers.set(Timer::Signaling, start, Duration::ZERO);
        timers.set(Timer::Reseed, start, Duration::ZERO);
        assert_eq!(timers.due(start), [(start, Timer::Signaling), (start, Timer::Reseed)]);
        timers.clear(&Timer::Signaling);
        timers.set(Timer::Reseed, start, Duration::from_secs(1));
        assert!(!timers.take(&Timer::Signaling, start) && !timers.take(&Timer::Reseed, start));
        assert_eq!(timers.next(), Some((start + Duration::from_secs(1), Timer::Reseed)));
    }

    #[test]
    fn a_timer_that_is_moved_again_and_again_queues_one_entry() {
        let start = Instant::now();
        let mut timers = Timers::default();
        for seconds in 1..1_000 {
            timers.set(Timer::Reseed, start, Duration::from_secs(seconds));
            timers.clear(&Timer::Reseed);
            timers.set(Timer::Signaling, start, Duration::from_secs(seconds));
        }
        assert!(timers.queue.len() <= 2);
    }
}
