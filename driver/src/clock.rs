//! Notices that the host slept, which the monotonic clock keeps quiet about.

use std::time::Duration;

/// What the two clocks said at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// Time since boot, with sleep (`CLOCK_BOOTTIME`).
    pub(crate) boottime: Duration,
    /// Time since boot, without sleep (`CLOCK_MONOTONIC`).
    pub(crate) monotonic: Duration,
}

/// Compares the clocks with the last look.
pub(crate) struct SleepWatch {
    read: Box<dyn FnMut() -> Reading + Send>,
    slept: Duration,
}

/// Reading two clocks takes a moment in which the thread may be scheduled away; a nap this short harms no link.
const NOISE: Duration = Duration::from_secs(1);

impl SleepWatch {
    /// Creates a watch over the host's clocks; where the host does not tell, it never reports anything.
    pub(crate) fn of_host() -> Self {
        Self::reading(host_clocks)
    }

    /// Creates a watch over any clocks.
    pub(crate) fn reading(mut read: impl FnMut() -> Reading + Send + 'static) -> Self {
        let slept = time_asleep(read());
        Self { read: Box::new(read), slept }
    }

    /// Returns how long the host slept since the last report, if it did.
    pub(crate) fn look(&mut self) -> Option<Duration> {
        let slept = time_asleep((self.read)());
        let gap = slept.saturating_sub(self.slept);
        if gap <= NOISE {
            return None;
        }
        self.slept = slept;
        Some(gap)
    }
}

fn time_asleep(reading: Reading) -> Duration {
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
    fn reports_a_sleep_once() {
        let mut watch = watch_over(&[(100, 90), (170, 100), (171, 101)]);
        assert_eq!(watch.look(), Some(Duration::from_secs(60)));
        assert_eq!(watch.look(), None);
    }

    #[test]
    fn stays_quiet_while_awake() {
        let mut watch = watch_over(&[(100, 90), (200, 190)]);
        assert_eq!(watch.look(), None);
    }

    #[test]
    fn takes_one_second_for_noise() {
        let mut watch = watch_over(&[(100, 90), (111, 100)]);
        assert_eq!(watch.look(), None);
    }

    #[test]
    fn adds_up_short_naps() {
        let mut watch = watch_over(&[(100, 90), (111, 100), (122, 110)]);
        assert_eq!(watch.look(), None);
        assert_eq!(watch.look(), Some(Duration::from_secs(2)));
    }

    #[test]
    fn survives_clocks_that_disagree_about_order() {
        let mut watch = watch_over(&[(90, 100), (80, 120)]);
        assert_eq!(watch.look(), None);
    }

    #[test]
    fn reads_the_host() {
        assert_eq!(SleepWatch::of_host().look(), None);
    }

    /// Creates a watch over readings in whole seconds, the first of which is the one at the start.
    fn watch_over(readings: &'static [(u64, u64)]) -> SleepWatch {
        let mut readings = readings.iter();
        SleepWatch::reading(move || {
            let &(boottime, monotonic) = readings.next().unwrap();
            Reading { boottime: Duration::from_secs(boottime), monotonic: Duration::from_secs(monotonic) }
        })
    }
}
