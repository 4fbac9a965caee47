//! A token bucket that limits the frame rate of a socket.

use std::time::Instant;

/// Holds up to `burst` tokens and regains `per_second` of them each second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenBucket {
    per_second: f64,
    burst: f64,
    level: f64,
    filled_at: Instant,
}

impl TokenBucket {
    /// Returns a full bucket.
    pub(crate) fn full(per_second: u32, burst: u32, now: Instant) -> Self {
        let burst = f64::from(burst);
        Self { per_second: f64::from(per_second), burst, level: burst, filled_at: now }
    }

    /// Takes one token, or returns `false` if the bucket is empty.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let regained = now.saturating_duration_since(self.filled_at).as_secs_f64() * self.per_second;
        self.level = (self.level + regained).min(self.burst);
        self.filled_at = now;
        if self.level < 1.0 {
            return false;
        }
        self.level -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn allows_the_burst_and_no_more() {
        let now = Instant::now();
        let mut bucket = TokenBucket::full(200, 400, now);
        assert_eq!((0..1000).filter(|_| bucket.take(now)).count(), 400);
    }

    #[test]
    fn refills_with_time() {
        let now = Instant::now();
        let mut bucket = TokenBucket::full(200, 400, now);
        while bucket.take(now) {}
        let later = now + Duration::from_millis(505);
        assert_eq!((0..1000).filter(|_| bucket.take(later)).count(), 101);
    }
}
