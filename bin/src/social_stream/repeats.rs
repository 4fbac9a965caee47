//! Remembers for a moment what has been heard, so that copies are known.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

/// The dock's own page takes the same message for a copy for 12 s.
const MEMORY: Duration = Duration::from_secs(12);

/// A flood of chat forgets its oldest sooner than that, and costs no more memory.
const MOST: usize = 4096;

/// Marks of what has been heard in the last moment.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    marks: HashSet<u64>,
    in_order: VecDeque<(Instant, u64)>,
    count: u64,
}

impl Repeats {
    /// Returns whether `mark` has been heard a moment ago, and remembers it.
    pub(crate) fn has(&mut self, mark: u64, now: Instant) -> bool {
        self.forget(|heard_at, _| now.saturating_duration_since(heard_at) >= MEMORY);
        if self.marks.contains(&mark) {
            self.count += 1;
            return true;
        }
        self.marks.insert(mark);
        self.in_order.push_back((now, mark));
        self.forget(|_, kept| kept > MOST);
        false
    }

    /// Returns how many copies there were.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Forgets the oldest as long as `is_over` says so of its time and of how many are kept.
    fn forget(&mut self, is_over: impl Fn(Instant, usize) -> bool) {
        while let Some((heard_at, mark)) = self.in_order.front().copied()
            && is_over(heard_at, self.in_order.len())
        {
            self.in_order.pop_front();
            self.marks.remove(&mark);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_known_for_12_seconds() {
        let (mut repeats, start) = (Repeats::default(), Instant::now());
        assert!(!repeats.has(1, start));
        assert!(repeats.has(1, start + Duration::from_millis(11_999)));
        assert!(!repeats.has(1, start + Duration::from_secs(12)));
        assert_eq!(repeats.count(), 1);
    }

    #[test]
    fn a_flood_forgets_the_oldest() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        (0..=MOST as u64).for_each(|mark| assert!(!repeats.has(mark, now)));
        assert_eq!((repeats.marks.len(), repeats.in_order.len()), (MOST, MOST));
        assert!(repeats.has(1, now));
        assert!(!repeats.has(0, now));
    }
}
