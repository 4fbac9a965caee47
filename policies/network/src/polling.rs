//! `polling`: looks at the interfaces again and again, on every system.

mod rounds;
mod survey;

use std::time::Duration;

use async_trait::async_trait;
use rejoin_core::{NetworkMonitor, NetworkSnapshot};
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use crate::sight::Told;

use rounds::Rounds;

pub(crate) use survey::survey;

/// Looks at an interval and tells when something differs.
///
/// What is over before the next look is never seen.
/// Where an interface without a carrier keeps its addresses, the carrier is what the system says, which may be nothing.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Polling {
    /// From one look to the next.
    #[serde(deserialize_with = "positive")]
    pub interval: Duration,
    #[serde(skip)]
    rounds: Rounds,
    #[serde(skip)]
    told: Told,
}

impl Default for Polling {
    /// Looks every second: soon enough to beat ICE, which takes several to find a dead path, and not felt by a battery.
    fn default() -> Self {
        Self { interval: Duration::from_secs(1), rounds: Rounds::default(), told: Told::default() }
    }
}

#[async_trait]
impl NetworkMonitor for Polling {
    async fn next_snapshot(&mut self) -> NetworkSnapshot {
        loop {
            // A system that does not answer has not lost its network: ask again, tell nothing.
            let Ok(sight) = self.rounds.next(self.interval).await else { continue };
            if let Some(news) = self.told.news(sight) {
                return news;
            }
        }
    }
}

/// Reads a duration and refuses zero.
pub(crate) fn positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let interval: Duration = humantime_serde::deserialize(deserializer)?;
    if interval.is_zero() {
        return Err(D::Error::custom("an interval of zero would look without pause; give at least 100ms"));
    }
    Ok(interval)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rejoin_core::network::Interface;
    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::sight::Sight;

    /// An hour of paused time without news.
    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn looks_every_second_unless_told_otherwise() {
        assert_eq!(toml::from_str::<Polling>("").unwrap().interval, Duration::from_secs(1));
        assert_eq!(toml::from_str::<Polling>("interval = '5s'").unwrap().interval, Duration::from_secs(5));
    }

    #[test]
    fn refuses_to_look_without_pause() {
        let refusal = toml::from_str::<Polling>("interval = '0s'").unwrap_err();
        assert!(refusal.to_string().contains("give at least 100ms"), "{refusal}");
    }

    #[test]
    fn refuses_unknown_options() {
        assert!(toml::from_str::<Polling>("intervall = '5s'").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn tells_at_once_and_then_only_what_differs() {
        let mut monitor = Polling { rounds: Rounds::looking(|| Ok(sight(true))), ..Polling::default() };
        let begun = Instant::now();
        monitor.next_snapshot().await;
        assert!(begun.elapsed() < Duration::from_millis(10));
        assert!(timeout(LONG, monitor.next_snapshot()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn tells_a_difference_within_an_interval() {
        let mut monitor = Polling { rounds: Rounds::looking(|| Ok(sight(true))), ..Polling::default() };
        monitor.next_snapshot().await;
        let changed = Instant::now();
        monitor.rounds.look_with(|| Ok(sight(false)));
        assert!(!monitor.next_snapshot().await.is_usable());
        assert!(changed.elapsed() < Duration::from_millis(1010));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_look_is_no_loss() {
        let mut monitor = Polling { rounds: Rounds::looking(|| Ok(sight(true))), ..Polling::default() };
        monitor.next_snapshot().await;
        monitor.rounds.look_with(|| Err(std::io::ErrorKind::OutOfMemory.into()));
        assert!(timeout(LONG, monitor.next_snapshot()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_wait_does_not_begin_again() {
        let mut monitor = Polling { rounds: Rounds::looking(|| Ok(sight(true))), ..Polling::default() };
        monitor.next_snapshot().await;
        let changed = Instant::now();
        monitor.rounds.look_with(|| Ok(sight(false)));
        while timeout(Duration::from_millis(300), monitor.next_snapshot()).await.is_err() {}
        assert!(changed.elapsed() < Duration::from_millis(1010));
    }

    fn sight(carrier: bool) -> Sight {
        let addresses = [[10, 1, 0, 2].into()].into();
        let mut sight = Sight::default();
        sight.outside.interfaces.insert("wifi".to_owned(), Interface { carrier, addresses });
        sight
    }
}
