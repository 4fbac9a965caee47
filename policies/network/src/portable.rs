//! `portable`: the system reports changed addresses, and an interval finds the rest, on every system.

mod trigger;

use std::time::Duration;

use async_trait::async_trait;
use rejoin_core::{NetworkMonitor, NetworkSnapshot};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::debounce::Debounce;
use crate::interval;
use crate::observation::ChangeFilter;
use crate::watch::Watch;

pub(crate) use trigger::Trigger;

/// Scans the host after every change of an address that the system reports, and at an interval, and reports a snapshot
/// that differs from the last one.
///
/// Systems do not report a lost carrier or another default route; where these change no address, the interval finds
/// them.
/// A system that does not report changes of addresses is scanned every second at least.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Portable {
    /// The time from an event to the scan that follows; later events in that time do not extend it.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub debounce: Duration,
    /// The time from one scan to the next without an event.
    #[serde(with = "interval")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub interval: Duration,
    #[serde(skip)]
    watch: Option<Watch<Trigger>>,
    #[serde(skip)]
    changes: ChangeFilter,
}

impl Default for Portable {
    /// Debounces for 30 ms as `netlink` does, and scans every second as `polling` does: events cover only half of the
    /// changes.
    fn default() -> Self {
        Self {
            debounce: Duration::from_millis(30),
            interval: Duration::from_secs(1),
            watch: None,
            changes: ChangeFilter::default(),
        }
    }
}

#[async_trait]
impl NetworkMonitor for Portable {
    async fn next_snapshot(&mut self) -> NetworkSnapshot {
        let watch = self.watch.get_or_insert_with(|| watch(self.debounce, self.interval));
        loop {
            // A failed scan does not mean a lost network: scan again, report nothing.
            let Ok(observation) = watch.next().await else { continue };
            if let Some(snapshot) = self.changes.changed(observation) {
                return snapshot;
            }
        }
    }
}

/// Starts to watch with calls that every system has.
pub(crate) fn watch(debounce: Duration, interval: Duration) -> Watch<Trigger> {
    Watch::begin(Trigger::new(interval), Debounce::new(debounce, Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debounces_as_netlink_and_scans_as_polling_by_default() {
        let (portable, netlink) = (toml::from_str::<Portable>("").unwrap(), crate::Netlink::default());
        assert_eq!(
            (portable.debounce, portable.interval),
            (netlink.debounce, crate::Polling::default().interval)
        );
        let portable: Portable = toml::from_str("debounce = '1s'\ninterval = '5s'").unwrap();
        assert_eq!((portable.debounce, portable.interval), (Duration::from_secs(1), Duration::from_secs(5)));
    }

    #[test]
    fn refuses_to_scan_without_pause() {
        assert!(toml::from_str::<Portable>("interval = '0s'").is_err());
    }

    #[test]
    fn refuses_unknown_options() {
        assert!(toml::from_str::<Portable>("urgent_debounce = '0s'").is_err());
    }

    #[tokio::test]
    async fn reports_the_present_network_first() {
        assert!(!Portable::default().next_snapshot().await.interfaces.is_empty());
    }
}
