//! `fixed`: a network that is always there, for tests, demos and hosts that cannot be watched.

use std::collections::BTreeSet;
use std::future;
use std::net::{IpAddr, Ipv4Addr};

use async_trait::async_trait;
use rejoin_core::network::Interface;
use rejoin_core::{NetworkMonitor, NetworkSnapshot};
use schemars::JsonSchema;
use serde::Deserialize;

/// Reports a usable network once, and never a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fixed {
    /// Whether the one snapshot was reported.
    #[serde(skip)]
    reported: bool,
}

#[async_trait]
impl NetworkMonitor for Fixed {
    async fn next_snapshot(&mut self) -> NetworkSnapshot {
        if self.reported {
            return future::pending().await;
        }
        self.reported = true;
        snapshot()
    }
}

/// Returns a network whose only interface has a carrier and the loopback address.
fn snapshot() -> NetworkSnapshot {
    let interface = Interface { carrier: true, addresses: BTreeSet::from([IpAddr::V4(Ipv4Addr::LOCALHOST)]) };
    NetworkSnapshot { interfaces: [("fixed".to_owned(), interface)].into(), ..NetworkSnapshot::default() }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn reports_a_usable_network() {
        let snapshot = Fixed::default().next_snapshot().now_or_never();
        assert!(snapshot.is_some_and(|snapshot| snapshot.is_usable()));
    }

    #[test]
    fn reports_nothing_more() {
        let mut monitor = Fixed::default();
        monitor.next_snapshot().now_or_never();
        assert_eq!(monitor.next_snapshot().now_or_never(), None);
    }

    #[test]
    fn loses_nothing_when_dropped_before_the_first_poll() {
        let mut monitor = Fixed::default();
        drop(monitor.next_snapshot());
        assert!(monitor.next_snapshot().now_or_never().is_some());
    }
}
