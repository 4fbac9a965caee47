//! What remains of closed sockets for a while, so that they can be resumed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::route::{ResumeToken, Route, Secret};

/// The wishes of a closed socket; its stream id is not reserved.
#[derive(Debug)]
pub(super) struct Tombstone {
    pub(super) route: Route,
    pub(super) secret: Secret,
    pub(super) room: Option<String>,
    /// Whether it directed that room.
    pub(super) director: bool,
    pub(super) stream: Option<String>,
    pub(super) since: Instant,
}

/// A bounded number of tombstones, the oldest first.
#[derive(Debug)]
pub(super) struct Tombstones {
    limit: usize,
    kept_for: Duration,
    tombstones: VecDeque<Tombstone>,
}

impl Tombstones {
    pub(super) fn new(limit: usize, kept_for: Duration) -> Self {
        Self { limit, kept_for, tombstones: VecDeque::new() }
    }

    pub(super) fn insert(&mut self, tombstone: Tombstone) {
        self.level(tombstone.since);
        self.tombstones.push_back(tombstone);
        while self.tombstones.len() > self.limit {
            self.tombstones.pop_front();
        }
    }

    /// Takes out the tombstone that a pass belongs to.
    pub(super) fn open(&mut self, pass: &ResumeToken, now: Instant) -> Option<Tombstone> {
        self.level(now);
        let matching =
            |tombstone: &Tombstone| tombstone.route == pass.route && tombstone.secret.matches(&pass.secret);
        let index = self.tombstones.iter().position(matching)?;
        self.tombstones.remove(index)
    }

    pub(super) fn len(&self) -> usize {
        self.tombstones.len()
    }

    pub(super) fn contains(&self, route: Route) -> bool {
        self.tombstones.iter().any(|tombstone| tombstone.route == route)
    }

    /// Removes tombstones that are too old.
    fn level(&mut self, now: Instant) {
        let kept_for = self.kept_for;
        while self
            .tombstones
            .front()
            .is_some_and(|tombstone| now.saturating_duration_since(tombstone.since) > kept_for)
        {
            self.tombstones.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT_FOR: Duration = Duration::from_secs(60);

    fn pass(number: u8) -> ResumeToken {
        ResumeToken { route: Route::from_random([number; 16]), secret: Secret::from_random([number; 16]) }
    }

    fn tombstone(number: u8, since: Instant) -> Tombstone {
        let ResumeToken { route, secret } = pass(number);
        Tombstone { route, secret, room: None, director: false, stream: None, since }
    }

    #[test]
    fn a_pass_opens_its_grave_once() {
        let now = Instant::now();
        let mut tombstones = Tombstones::new(4, KEPT_FOR);
        tombstones.insert(tombstone(1, now));
        assert_eq!(
            (tombstones.open(&pass(1), now).is_some(), tombstones.open(&pass(1), now).is_some()),
            (true, false)
        );
    }

    #[test]
    fn a_grave_is_gone_after_a_minute() {
        let now = Instant::now();
        let mut tombstones = Tombstones::new(4, KEPT_FOR);
        tombstones.insert(tombstone(1, now));
        assert!(tombstones.open(&pass(1), now + KEPT_FOR + Duration::from_millis(1)).is_none());
    }

    #[test]
    fn the_oldest_make_room() {
        let now = Instant::now();
        let mut tombstones = Tombstones::new(2, KEPT_FOR);
        (1..=3).for_each(|number| tombstones.insert(tombstone(number, now)));
        assert_eq!((tombstones.len(), tombstones.contains(pass(1).route)), (2, false));
    }
}
