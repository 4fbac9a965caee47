//! `portable`: the system tells of changed addresses, and an interval finds the rest, on every system.

mod alarm;

use std::time::Duration;

use async_trait::async_trait;
use rejoin_core::{NetworkMonitor, NetworkSnapshot};
use serde::Deserialize;

use crate::polling::positive;
use crate::sight::Told;
use crate::watch::Watch;
use crate::window::Window;

pub(crate) use alarm::Alarm;

/// Looks after every change of an address that the system tells, and at an interval, and tells what differs.
///
/// A lost carrier and another default route are told by no system; where they change no address, the interval
/// finds them.
/// A system that does not tell is looked at every second at least.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Portable {
    /// How long after an event the host is looked at: a burst counts once, and a storm cannot put the look off.
    #[serde(with = "humantime_serde")]
    pub window: Duration,
    /// From one look to the next without an event.
    #[serde(deserialize_with = "positive")]
    pub interval: Duration,
    #[serde(skip)]
    watch: Option<Watch<Alarm>>,
    #[serde(skip)]
    told: Told,
}

impl Default for Portable {
    /// Folds 30 ms as `netlink` does, and looks every second as `polling` does: events are only half of the news.
    fn default() -> Self {
        Self {
            window: Duration::from_millis(30),
            interval: Duration::from_secs(1),
            watch: None,
            told: Told::default(),
        }
    }
}

#[async_trait]
impl NetworkMonitor for Portable {
    async fn next_snapshot(&mut self) -> NetworkSnapshot {
        let watch = self.watch.get_or_insert_with(|| watch(self.window, self.interval));
        loop {
            // A system that does not answer has not lost its network: ask again, tell nothing.
            let Ok(sight) = watch.next().await else { continue };
            if let Some(news) = self.told.news(sight) {
                return news;
            }
        }
    }
}

/// Begins to watch by means that every system has.
pub(crate) fn watch(window: Duration, interval: Duration) -> Watch<Alarm> {
    Watch::begin(Alarm::set(interval), Window::new(window, Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_as_netlink_and_looks_as_polling_unless_told_otherwise() {
        let (portable, netlink) = (toml::from_str::<Portable>("").unwrap(), crate::Netlink::default());
        assert_eq!(
            (portable.window, portable.interval),
            (netlink.window, crate::Polling::default().interval)
        );
        let portable: Portable = toml::from_str("window = '1s'\ninterval = '5s'").unwrap();
        assert_eq!((portable.window, portable.interval), (Duration::from_secs(1), Duration::from_secs(5)));
    }

    #[test]
    fn refuses_to_look_without_pause() {
        assert!(toml::from_str::<Portable>("interval = '0s'").is_err());
    }

    #[test]
    fn refuses_unknown_options() {
        assert!(toml::from_str::<Portable>("urgent = '0s'").is_err());
    }

    #[tokio::test]
    async fn begins_with_what_there_is() {
        assert!(!Portable::default().next_snapshot().await.interfaces.is_empty());
    }
}
