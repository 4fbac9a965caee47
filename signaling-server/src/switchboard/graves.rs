//! What remains of closed sockets for a while, so that they can be resumed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::route::{Pass, Route, Secret};

/// The wishes of a closed socket; its stream id is not reserved.
#[derive(Debug)]
pub(super) struct Grave {
    pub(super) route: Route,
    pub(super) secret: Secret,
    pub(super) room: Option<String>,
    /// Whether it directed that room.
    pub(super) director: bool,
    pub(super) stream: Option<String>,
    pub(super) since: Instant,
}

/// A bounded number of graves, the oldest first.
#[derive(Debug)]
pub(super) struct Graves {
    limit: usize,
    kept_for: Duration,
    graves: VecDeque<Grave>,
}

impl Graves {
    pub(super) fn new(limit: usize, kept_for: Duration) -> Self {
        Self { limit, kept_for, graves: VecDeque::new() }
    }

    pub(super) fn dig(&mut self, grave: Grave) {
        self.level(grave.since);
        self.graves.push_back(grave);
        while self.graves.len() > self.limit {
            self.graves.pop_front();
        }
    }

    /// Takes out the grave that a pass belongs to.
    pub(super) fn open(&mut self, pass: &Pass, now: Instant) -> Option<Grave> {
        self.level(now);
        let matching = |grave: &Grave| grave.route == pass.route && grave.secret.matches(&pass.secret);
        let index = self.graves.iter().position(matching)?;
        self.graves.remove(index)
    }

    pub(super) fn len(&self) -> usize {
        self.graves.len()
    }

    pub(super) fn contains(&self, route: Route) -> bool {
        self.graves.iter().any(|grave| grave.route == route)
    }

    /// Removes graves that are too old.
    fn level(&mut self, now: Instant) {
        let kept_for = self.kept_for;
        while self.graves.front().is_some_and(|grave| now.saturating_duration_since(grave.since) > kept_for) {
            self.graves.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT_FOR: Duration = Duration::from_secs(60);

    fn pass(number: u8) -> Pass {
        Pass { route: Route::from_random([number; 16]), secret: Secret::from_random([number; 16]) }
    }

    fn grave(number: u8, since: Instant) -> Grave {
        let Pass { route, secret } = pass(number);
        Grave { route, secret, room: None, director: false, stream: None, since }
    }

    #[test]
    fn a_pass_opens_its_grave_once() {
        let now = Instant::now();
        let mut graves = Graves::new(4, KEPT_FOR);
        graves.dig(grave(1, now));
        assert_eq!(
            (graves.open(&pass(1), now).is_some(), graves.open(&pass(1), now).is_some()),
            (true, false)
        );
    }

    #[test]
    fn a_grave_is_gone_after_a_minute() {
        let now = Instant::now();
        let mut graves = Graves::new(4, KEPT_FOR);
        graves.dig(grave(1, now));
        assert!(graves.open(&pass(1), now + KEPT_FOR + Duration::from_millis(1)).is_none());
    }

    #[test]
    fn the_oldest_make_room() {
        let now = Instant::now();
        let mut graves = Graves::new(2, KEPT_FOR);
        (1..=3).for_each(|number| graves.dig(grave(number, now)));
        assert_eq!((graves.len(), graves.contains(pass(1).route)), (2, false));
    }
}
