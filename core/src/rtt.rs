//! Smoothed round-trip time (RFC 6298).

use std::time::Duration;

/// A round-trip time estimate: smoothed mean and mean deviation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rtt {
    /// `SRTT`.
    pub smoothed: Duration,
    /// `RTTVAR`.
    pub variation: Duration,
}

impl Rtt {
    /// Returns the estimate after the first measurement (RFC 6298 section 2.2).
    pub fn first(sample: Duration) -> Self {
        Self { smoothed: sample, variation: sample / 2 }
    }

    /// Returns the estimate after one more measurement (RFC 6298 section 2.3, alpha 1/8, beta 1/4).
    #[must_use]
    pub fn updated(self, sample: Duration) -> Self {
        let deviation = self.smoothed.abs_diff(sample);
        Self { smoothed: (self.smoothed * 7 + sample) / 8, variation: (self.variation * 3 + deviation) / 4 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settles_on_a_steady_path() {
        let sample = Duration::from_millis(50);
        let rtt = (0..50).fold(Rtt::first(Duration::from_millis(400)), |rtt, _| rtt.updated(sample));
        assert!(rtt.smoothed.abs_diff(sample) < Duration::from_millis(2), "{rtt:?}");
    }
}
