//! `polling`: scans the interfaces at an interval, on every system.

mod poll_loop;
mod scan;

use std::time::Duration;

use async_trait::async_trait;
use rejoin_core::{NetworkMonitor, NetworkSnapshot};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::interval;
use crate::observation::ChangeFilter;

use poll_loop::PollLoop;

pub(crate) use scan::scan;

/// Scans the host at an interval and reports a snapshot that differs from the last one.
///
/// A change that is undone before the next scan is missed.
/// The carrier of an interface is what the system reports, and some systems report none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Polling {
    /// The time from one scan to the next.
    #[serde(with = "interval")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub interval: Duration,
    #[serde(skip)]
    poll_loop: PollLoop,
    #[serde(skip)]
    changes: ChangeFilter,
}

impl Default for Polling {
    /// Scans every second: faster than ICE, which takes several seconds to find a dead path, and cheap on a battery.
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            poll_loop: PollLoop::default(),
            changes: ChangeFilter::default(),
        }
    }
}

#[async_trait]
impl NetworkMonitor for Polling {
    async fn next_snapshot(&mut self) -> NetworkSnapshot {
        loop {
            // A failed scan does not mean a lost network: scan again, report nothing.
            let Ok(observation) = self.poll_loop.next(self.interval).await else { continue };
            if let Some(snapshot) = self.changes.changed(observation) {
                return snapshot;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rejoin_core::network::Interface;
    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::observation::Observation;

    /// An hour of paused time without a snapshot.
    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn scans_every_second_by_default() {
        assert_eq!(toml::from_str::<Polling>("").unwrap().interval, Duration::from_secs(1));
        assert_eq!(toml::from_str::<Polling>("interval = '5s'").unwrap().interval, Duration::from_secs(5));
    }

    #[test]
    fn refuses_to_scan_without_pause() {
        let refusal = toml::from_str::<Polling>("interval = '0s'").unwrap_err();
        assert!(refusal.to_string().contains("give at least 100ms"), "{refusal}");
    }

    #[test]
    fn refuses_unknown_options() {
        assert!(toml::from_str::<Polling>("intervall = '5s'").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn reports_at_once_and_then_only_changes() {
        let mut monitor =
            Polling { poll_loop: PollLoop::with_scan(|| Ok(observation(true))), ..Polling::default() };
        let begun = Instant::now();
        monitor.next_snapshot().await;
        assert!(begun.elapsed() < Duration::from_millis(10));
        assert!(timeout(LONG, monitor.next_snapshot()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn reports_a_change_within_an_interval() {
        let mut monitor =
            Polling { poll_loop: PollLoop::with_scan(|| Ok(observation(true))), ..Polling::default() };
        monitor.next_snapshot().await;
        let changed = Instant::now();
        monitor.poll_loop.set_scan(|| Ok(observation(false)));
        assert!(!monitor.next_snapshot().await.is_usable());
        assert!(changed.elapsed() < Duration::from_millis(1010));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_scan_is_not_a_lost_network() {
        let mut monitor =
            Polling { poll_loop: PollLoop::with_scan(|| Ok(observation(true))), ..Polling::default() };
        monitor.next_snapshot().await;
        monitor.poll_loop.set_scan(|| Err(std::io::ErrorKind::OutOfMemory.into()));
        assert!(timeout(LONG, monitor.next_snapshot()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_wait_does_not_start_again() {
        let mut monitor =
            Polling { poll_loop: PollLoop::with_scan(|| Ok(observation(true))), ..Polling::default() };
        monitor.next_snapshot().await;
        let changed = Instant::now();
        monitor.poll_loop.set_scan(|| Ok(observation(false)));
        while timeout(Duration::from_millis(300), monitor.next_snapshot()).await.is_err() {}
        assert!(changed.elapsed() < Duration::from_millis(1010));
    }

    fn observation(carrier: bool) -> Observation {
        let addresses = [[10, 1, 0, 2].into()].into();
        let mut observation = Observation::default();
        observation.outside.interfaces.insert("wifi".to_owned(), Interface { carrier, addresses });
        observation
    }
}
