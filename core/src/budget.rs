//! The retry budget: one bucket of tokens for every retry of a supervisor, so that no bug can hammer a server.

use std::time::{Duration, Instant};

/// A token bucket.
#[derive(Clone, Debug)]
pub struct RetryBudget {
    tokens: f64,
    filled_at: Option<Instant>,
}

/// Bursts of repairs are normal (every peer of a bot after one WiFi drop); this many are free.
const CAPACITY: f64 = 64.0;
/// Steady retries are capped at two a second over all links.
const PER_SECOND: f64 = 2.0;

impl Default for RetryBudget {
    fn default() -> Self {
        Self { tokens: CAPACITY, filled_at: None }
    }
}

impl RetryBudget {
    /// Takes a token and returns how long to wait before using it; zero while the budget lasts.
    pub fn take(&mut self, now: Instant) -> Duration {
        let idle = self.filled_at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.filled_at = Some(now);
        self.tokens = (self.tokens + idle.as_secs_f64() * PER_SECOND).min(CAPACITY) - 1.0;
        self.tokens = self.tokens.max(-CAPACITY);
        if self.tokens >= 0.0 { Duration::ZERO } else { Duration::from_secs_f64(-self.tokens / PER_SECOND) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_then_paced() {
        let mut budget = RetryBudget::default();
        let now = Instant::now();
        let burst = (0..64).map(|_| budget.take(now)).max();
        assert_eq!(burst, Some(Duration::ZERO));
        assert_eq!(budget.take(now), Duration::from_millis(500));
    }
}
