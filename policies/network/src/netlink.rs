//! `netlink`: the Linux kernel reports every change of links, addresses, routes and rules.

#[cfg(target_os = "linux")]
mod assemble;
#[cfg(target_os = "linux")]
mod request;
#[cfg_attr(not(target_os = "linux"), path = "netlink/absent.rs")]
mod subscription;
#[cfg(target_os = "linux")]
mod urgency;

use std::time::Duration;

use async_trait::async_trait;
use rejoin_core::{NetworkMonitor, NetworkSnapshot};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::debounce::Debounce;
use crate::observation::LoopbackFilter;
use crate::portable::{self, Trigger};
use crate::watch::Watch;

use subscription::Subscription;

/// The time from one attempt to open netlink to the next, and from one scan to the next in between.
const RETRY: Duration = Duration::from_secs(1);

/// Reports a snapshot whenever the kernel reports a change.
///
/// Where netlink cannot be opened (other systems, sandboxes, Android, a lack of file descriptors), it scans every second
/// and after changes of addresses like `portable`, may report the same snapshot again, and tries netlink before each scan.
/// It watches the network namespace of the thread that first asks for a snapshot.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Netlink {
    /// The time from an event to the scan that follows; later events in that time do not extend it.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub debounce: Duration,
    /// The same after a lost carrier or another default route, unless the last scan is less than `debounce` ago.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String", extend("format" = "duration"))]
    pub urgent_debounce: Duration,
    #[serde(skip)]
    source: Source,
    /// Scans the host while netlink cannot be opened.
    #[serde(skip)]
    fallback: Option<Watch<Trigger>>,
    #[serde(skip)]
    loopback_filter: LoopbackFilter,
}

impl Default for Netlink {
    /// Debounces for 30 ms, since an interface comes up in a burst of some milliseconds.
    /// A change that stops packets is reported without any delay.
    fn default() -> Self {
        Self {
            debounce: Duration::from_millis(30),
            urgent_debounce: Duration::ZERO,
            source: Source::default(),
            fallback: None,
            loopback_filter: LoopbackFilter::default(),
        }
    }
}

/// The source of the next snapshot.
#[derive(Debug, Default)]
enum Source {
    /// Netlink is to be opened.
    #[default]
    Unopened,
    /// The kernel reports changes.
    Kernel(Watch<Subscription>),
    /// Netlink cannot be opened: one scan by the fallback, then netlink is tried again.
    Fallback,
}

#[async_trait]
impl NetworkMonitor for Netlink {
    async fn next_snapshot(&mut self) -> NetworkSnapshot {
        loop {
            match &mut self.source {
                Source::Unopened => match Subscription::open() {
                    Ok(subscription) => {
                        let debounce = Debounce::new(self.debounce, self.urgent_debounce);
                        self.source = Source::Kernel(Watch::begin(subscription, debounce));
                    }
                    Err(_) => self.source = Source::Fallback,
                },
                Source::Kernel(watch) => match watch.next().await {
                    Ok(observation) => {
                        self.fallback = None;
                        return self.loopback_filter.filter(observation);
                    }
                    Err(_) => self.source = Source::Fallback,
                },
                Source::Fallback => {
                    let begin = || portable::watch(self.debounce, RETRY);
                    let found = self.fallback.get_or_insert_with(begin).next().await;
                    self.source = Source::Unopened;
                    if let Ok(observation) = found {
                        return self.loopback_filter.filter(observation);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debounces_for_thirty_milliseconds_by_default() {
        assert_eq!(toml::from_str::<Netlink>("").unwrap().debounce, Duration::from_millis(30));
        assert_eq!(toml::from_str::<Netlink>("debounce = '1s'").unwrap().debounce, Duration::from_secs(1));
    }

    #[test]
    fn does_not_debounce_urgent_changes_by_default() {
        assert_eq!(toml::from_str::<Netlink>("").unwrap().urgent_debounce, Duration::ZERO);
        assert_eq!(
            toml::from_str::<Netlink>("urgent_debounce = '1s'").unwrap().urgent_debounce,
            Duration::from_secs(1)
        );
    }

    #[test]
    fn refuses_unknown_options() {
        assert!(toml::from_str::<Netlink>("interval = '5s'").is_err());
    }

    #[tokio::test]
    async fn reports_the_present_network_first() {
        assert!(!Netlink::default().next_snapshot().await.interfaces.is_empty());
    }

    #[tokio::test]
    async fn scans_by_itself_when_netlink_cannot_be_opened() {
        let mut monitor = Netlink { source: Source::Fallback, ..Netlink::default() };
        assert!(!monitor.next_snapshot().await.interfaces.is_empty());
        assert!(matches!(monitor.source, Source::Unopened));
    }
}
