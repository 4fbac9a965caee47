//! Detects that the host was suspended, which the monotonic clock does not show.

use std::time::Duration;

/// The two clocks at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// Time since boot, including suspension (`CLOCK_BOOTTIME`).
    pub(crate) boottime: Duration,
    /// Time since boot, excluding suspension (`CLOCK_MONOTONIC`).
    pub(crate) monotonic: Duration,
}

/// Compares the clocks with their last reading.
pub(crate) struct SuspendDetector {
    read: Box<dyn FnMut() -> Reading + Send>,
    suspended: Duration,
}

/// The thread may be descheduled between the readings of both clocks; so short a suspension harms no link.
const NOISE: Duration = Duration::from_secs(1);

impl SuspendDetector {
    /// Creates a detector with the host's clocks; on a system without these clocks it never reports a suspension.
    pub(crate) fn new() -> Self {
        Self::with_clocks(host_clocks)
    }

    /// Creates a detector with any clocks.
    pub(crate) fn with_clocks(mut read: impl FnMut() -> Reading + Send + 'static) -> Self {
        let suspended = time_suspended(read());
        Self { read: Box::new(read), suspended }
    }

    /// Returns how long the host was suspended since the last report, if it was.
    pub(crate) fn check(&mut self) -> Option<Duration> {
        let suspended = time_suspended((self.read)());
        let gap = suspended.saturating_sub(self.suspended);
        if gap <= NOISE {
            return None;
        }
        self.suspended = suspended;
        Some(gap)
    }
}

fn time_suspended(reading: Reading) -> Duration {
    reading.boottime.saturating_sub(reading.monotonic)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn host_clocks() -> Reading {
    use rustix::time::{ClockId, clock_gettime};

    let read = |clock| Duration::try_from(clock_gettime(clock)).unwrap_or_default();
    Reading { boottime: read(ClockId::Boottime), monotonic: read(ClockId::Monotonic) }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn host_clocks() -> Reading {
    Reading { boottime: Duration::ZERO, monotonic: Duration::ZERO }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_a_suspension_once() {
        let mut detector = detector_with(&[(100, 90), (170, 100), (171, 101)]);
        assert_eq!(detector.check(), Some(Duration::from_secs(60)));
        assert_eq!(detector.check(), None);
    }

    #[test]
    fn reports_nothing_while_the_host_runs() {
        let mut detector = detector_with(&[(100, 90), (200, 190)]);
        assert_eq!(detector.check(), None);
    }

    #[test]
    fn ignores_one_second() {
        let mut detector = detector_with(&[(100, 90), (111, 100)]);
        assert_eq!(detector.check(), None);
    }

    #[test]
    fn adds_up_short_suspensions() {
        let mut detector = detector_with(&[(100, 90), (111, 100), (122, 110)]);
        assert_eq!(detector.check(), None);
        assert_eq!(detector.check(), Some(Duration::from_secs(2)));
    }

    #[test]
    fn survives_a_monotonic_clock_that_is_ahead() {
        let mut detector = detector_with(&[(90, 100), (80, 120)]);
        assert_eq!(detector.check(), None);
    }

    #[test]
    fn reads_the_host() {
        assert_eq!(SuspendDetector::new().check(), None);
    }

    /// Creates a detector with readings in whole seconds, the first of which is that at the start.
    fn detector_with(readings: &'static [(u64, u64)]) -> SuspendDetector {
        let mut readings = readings.iter();
        SuspendDetector::with_clocks(move || {
            let &(boottime, monotonic) = readings.next().unwrap();
            Reading { boottime: Duration::from_secs(boottime), monotonic: Duration::from_secs(monotonic) }
        })
    }
}
