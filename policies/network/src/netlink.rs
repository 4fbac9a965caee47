//! `netlink`: the Linux kernel tells of every change of links, addresses, routes and rules.

#[cfg(target_os = "linux")]
mod news;
#[cfg(target_os = "linux")]
mod picture;
#[cfg(target_os = "linux")]
mod request;
#[cfg_attr(not(target_os = "linux"), path = "netlink/absent.rs")]
mod subscription;

use std::time::Duration;

use async_trait::async_trait;
use rejoin_core::{NetworkMonitor, NetworkSnapshot};
use serde::Deserialize;

use crate::portable::{self, Alarm};
use crate::sight::Seclusion;
use crate::watch::Watch;
use crate::window::Window;

use subscription::Subscription;

/// From one attempt to open netlink to the next, and from one look to the next in between.
const RETRY: Duration = Duration::from_secs(1);

/// Tells what the network looks like whenever the kernel says that something changed.
///
/// Where netlink is not to be had (other systems, sandboxes, Android, a lack of file descriptors), it looks
/// every second and after changes of addresses like `portable`, repeats itself, and tries netlink again before each look.
/// It watches the network namespace of the thread that first asks.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Netlink {
    /// How long after an event the network is looked at: a burst counts once, and a storm cannot put the look off.
    #[serde(with = "humantime_serde")]
    pub window: Duration,
    /// The same after a lost carrier or another default route, unless the last look was less than a window ago.
    #[serde(with = "humantime_serde")]
    pub urgent: Duration,
    #[serde(skip)]
    stage: Stage,
    /// What looks while the kernel does not tell.
    #[serde(skip)]
    substitute: Option<Watch<Alarm>>,
    #[serde(skip)]
    seclusion: Seclusion,
}

impl Default for Netlink {
    /// Folds 30 ms: an interface comes up in a burst of some milliseconds, and nobody feels the wait.
    /// What takes packets off their way is looked at without any.
    fn default() -> Self {
        Self {
            window: Duration::from_millis(30),
            urgent: Duration::ZERO,
            stage: Stage::default(),
            substitute: None,
            seclusion: Seclusion::default(),
        }
    }
}

/// Where the next snapshot comes from.
#[derive(Debug, Default)]
enum Stage {
    /// Netlink is to be opened.
    #[default]
    Closed,
    /// The kernel tells.
    Watching(Watch<Subscription>),
    /// The kernel does not tell: one look, then netlink is tried again.
    Looking,
}

#[async_trait]
impl NetworkMonitor for Netlink {
    async fn next_snapshot(&mut self) -> NetworkSnapshot {
        loop {
            match &mut self.stage {
                Stage::Closed => match Subscription::open() {
                    Ok(subscription) => {
                        let window = Window::new(self.window, self.urgent);
                        self.stage = Stage::Watching(Watch::begin(subscription, window));
                    }
                    Err(_) => self.stage = Stage::Looking,
                },
                Stage::Watching(watch) => match watch.next().await {
                    Ok(sight) => {
                        self.substitute = None;
                        return self.seclusion.judge(sight);
                    }
                    Err(_) => self.stage = Stage::Looking,
                },
                Stage::Looking => {
                    let begin = || portable::watch(self.window, RETRY);
                    let found = self.substitute.get_or_insert_with(begin).next().await;
                    self.stage = Stage::Closed;
                    if let Ok(sight) = found {
                        return self.seclusion.judge(sight);
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
    fn folds_thirty_milliseconds_unless_told_otherwise() {
        assert_eq!(toml::from_str::<Netlink>("").unwrap().window, Duration::from_millis(30));
        assert_eq!(toml::from_str::<Netlink>("window = '1s'").unwrap().window, Duration::from_secs(1));
    }

    #[test]
    fn waits_for_nothing_urgent_unless_told_to() {
        assert_eq!(toml::from_str::<Netlink>("").unwrap().urgent, Duration::ZERO);
        assert_eq!(toml::from_str::<Netlink>("urgent = '1s'").unwrap().urgent, Duration::from_secs(1));
    }

    #[test]
    fn refuses_unknown_options() {
        assert!(toml::from_str::<Netlink>("interval = '5s'").is_err());
    }

    #[tokio::test]
    async fn begins_with_what_there_is() {
        assert!(!Netlink::default().next_snapshot().await.interfaces.is_empty());
    }

    #[tokio::test]
    async fn looks_itself_when_the_kernel_does_not_tell() {
        let mut monitor = Netlink { stage: Stage::Looking, ..Netlink::default() };
        assert!(!monitor.next_snapshot().await.interfaces.is_empty());
        assert!(matches!(monitor.stage, Stage::Closed));
    }
}
