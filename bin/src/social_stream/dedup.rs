//! Detects copies of recent messages.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

/// The dock page treats a repeated message as a copy for 12 s.
const WINDOW: Duration = Duration::from_secs(12);

/// Bounds the memory if many messages arrive within the window.
const MAX_HASHES: usize = 4096;

/// Hashes of the messages of the last 12 s.
#[derive(Debug, Default)]
pub(crate) struct RecentMessages {
    hashes: HashSet<u64>,
    in_order: VecDeque<(Instant, u64)>,
    copies: u64,
}

impl RecentMessages {
    /// Returns whether `hash` belongs to a recent message, and records it.
    pub(crate) fn is_copy(&mut self, hash: u64, now: Instant) -> bool {
        self.remove_while(|received_at, _| now.saturating_duration_since(received_at) >= WINDOW);
        if self.hashes.contains(&hash) {
            self.copies += 1;
            return true;
        }
        self.hashes.insert(hash);
        self.in_order.push_back((now, hash));
        self.remove_while(|_, kept| kept > MAX_HASHES);
        false
    }

    /// Returns how many copies were detected.
    pub(crate) fn copies(&self) -> u64 {
        self.copies
    }

    /// Removes the oldest hash while `is_expired` is true for its time and the number of hashes.
    fn remove_while(&mut self, is_expired: impl Fn(Instant, usize) -> bool) {
        while let Some((received_at, hash)) = self.in_order.front().copied()
            && is_expired(received_at, self.in_order.len())
        {
            self.in_order.pop_front();
            self.hashes.remove(&hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_detected_for_12_seconds() {
        let (mut recent, start) = (RecentMessages::default(), Instant::now());
        assert!(!recent.is_copy(1, start));
        assert!(recent.is_copy(1, start + Duration::from_millis(11_999)));
        assert!(!recent.is_copy(1, start + Duration::from_secs(12)));
        assert_eq!(recent.copies(), 1);
    }

    #[test]
    fn many_messages_displace_the_oldest() {
        let (mut recent, now) = (RecentMessages::default(), Instant::now());
        (0..=MAX_HASHES as u64).for_each(|hash| assert!(!recent.is_copy(hash, now)));
        assert_eq!((recent.hashes.len(), recent.in_order.len()), (MAX_HASHES, MAX_HASHES));
        assert!(recent.is_copy(1, now));
        assert!(!recent.is_copy(0, now));
    }
}
