//! The state of recently closed connections, kept so that clients can resume it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::rooms::LeftRoom;
use crate::route::{ResumeToken, Route};

/// The state of a closed connection; its stream id is not reserved.
#[derive(Debug)]
pub(super) struct Tombstone {
    pub(super) token: ResumeToken,
    pub(super) room: Option<LeftRoom>,
    pub(super) stream: Option<String>,
    pub(super) closed_at: Instant,
}

/// A bounded number of tombstones, the oldest first.
#[derive(Debug)]
pub(super) struct Tombstones {
    limit: usize,
    expiry: Duration,
    tombstones: VecDeque<Tombstone>,
}

impl Tombstones {
    pub(super) fn new(limit: usize, expiry: Duration) -> Self {
        Self { limit, expiry, tombstones: VecDeque::new() }
    }

    pub(super) fn insert(&mut self, tombstone: Tombstone) {
        self.remove_expired(tombstone.closed_at);
        self.tombstones.push_back(tombstone);
        while self.tombstones.len() > self.limit {
            self.tombstones.pop_front();
        }
    }

    /// Removes and returns the tombstone that a token belongs to.
    pub(super) fn take(&mut self, token: &ResumeToken, now: Instant) -> Option<Tombstone> {
        self.remove_expired(now);
        let index = self.tombstones.iter().position(|tombstone| tombstone.token.matches(token))?;
        self.tombstones.remove(index)
    }

    pub(super) fn len(&self) -> usize {
        self.tombstones.len()
    }

    pub(super) fn contains(&self, route: Route) -> bool {
        self.tombstones.iter().any(|tombstone| tombstone.token.route == route)
    }

    fn remove_expired(&mut self, now: Instant) {
        let is_expired =
            |tombstone: &Tombstone| now.saturating_duration_since(tombstone.closed_at) > self.expiry;
        while self.tombstones.front().is_some_and(is_expired) {
            self.tombstones.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Secret;

    const EXPIRY: Duration = Duration::from_secs(60);

    fn token(number: u8) -> ResumeToken {
        ResumeToken { route: Route::from_random([number; 16]), secret: Secret::from_random([number; 16]) }
    }

    fn tombstone(number: u8, closed_at: Instant) -> Tombstone {
        Tombstone { token: token(number), room: None, stream: None, closed_at }
    }

    #[test]
    fn a_token_takes_its_tombstone_once() {
        let now = Instant::now();
        let mut tombstones = Tombstones::new(4, EXPIRY);
        tombstones.insert(tombstone(1, now));
        let taken = [(); 2].map(|()| tombstones.take(&token(1), now).is_some());
        assert_eq!(taken, [true, false]);
    }

    #[test]
    fn a_tombstone_expires_after_a_minute() {
        let now = Instant::now();
        let mut tombstones = Tombstones::new(4, EXPIRY);
        tombstones.insert(tombstone(1, now));
        assert!(tombstones.take(&token(1), now + EXPIRY + Duration::from_millis(1)).is_none());
    }

    #[test]
    fn the_oldest_is_removed_at_the_limit() {
        let now = Instant::now();
        let mut tombstones = Tombstones::new(2, EXPIRY);
        (1..=3).for_each(|number| tombstones.insert(tombstone(number, now)));
        assert_eq!((tombstones.len(), tombstones.contains(token(1).route)), (2, false));
    }
}
