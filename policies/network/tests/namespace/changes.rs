//! Each kind of change, once, by each monitor.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rejoin_core::network::DefaultRoute;
use rejoin_core::{NetworkChange, NetworkMonitor};
use rejoin_network::{Netlink, Polling, Portable};

use crate::inside::inside;
use crate::network::{Network, batch, ip};
use crate::observer::{Observer, first, has, leaves_by, quiet, until};

#[test]
fn netlink_sees_every_kind_of_change() {
    inside("changes::netlink_sees_every_kind_of_change", async {
        see_every_kind(Netlink::default()).await;
    });
}

#[test]
fn polling_sees_every_kind_of_change() {
    inside("changes::polling_sees_every_kind_of_change", async {
        let mut polling = Polling::default();
        polling.interval = Duration::from_millis(100);
        see_every_kind(polling).await;
    });
}

#[test]
fn portable_sees_every_kind_of_change() {
    inside("changes::portable_sees_every_kind_of_change", async {
        let mut portable = Portable::default();
        portable.interval = Duration::from_millis(100);
        see_every_kind(portable).await;
    });
}

#[test]
fn all_monitors_see_the_same() {
    inside("changes::all_monitors_see_the_same", async {
        let _network = Network::new();
        let netlink = first(Netlink::default()).await;
        assert_eq!(first(Polling::default()).await, netlink);
        assert_eq!(first(Portable::default()).await, netlink);
        let source = Some(IpAddr::from([10, 1, 0, 2]));
        assert_eq!(netlink.default_v4, Some(DefaultRoute { interface: "wifi".to_owned(), source }));
        assert_eq!(netlink.default_v6, None);
    });
}

#[test]
fn a_host_alone_has_loopback() {
    inside("changes::a_host_alone_has_loopback", async {
        ip("link set lo up");
        assert!(first(Netlink::default()).await.is_usable());
    });
}

#[test]
fn the_last_address_gone_is_a_loss() {
    inside("changes::the_last_address_gone_is_a_loss", async {
        let _network = Network::new();
        let mut monitor = Netlink::default();
        let old = monitor.next_snapshot().await;
        ip("address flush dev wifi");
        ip("address flush dev cell");
        let new = until(&mut monitor, |snapshot| !snapshot.is_usable()).await;
        assert_eq!(NetworkChange::between(&old, &new), NetworkChange::Lost);
    });
}

#[test]
fn netlink_is_quiet_while_nothing_changes() {
    inside("changes::netlink_is_quiet_while_nothing_changes", async {
        let _network = Network::new();
        let mut monitor = Netlink::default();
        monitor.next_snapshot().await;
        ip("address add 10.1.0.55/24 dev wifi");
        assert!(has(&quiet(&mut monitor).await, "wifi", [10, 1, 0, 55]));
    });
}

#[test]
fn a_policy_rule_that_moves_packets_is_seen() {
    inside("changes::a_policy_rule_that_moves_packets_is_seen", async {
        let _network = Network::new();
        let mut monitor = Netlink::default();
        monitor.next_snapshot().await;
        ip("route add default via 10.2.0.1 table 77");
        assert!(leaves_by(&quiet(&mut monitor).await, "wifi"));
        ip("rule add to all lookup 77 priority 100");
        until(&mut monitor, |snapshot| leaves_by(snapshot, "cell")).await;
    });
}

#[test]
fn an_ipv6_default_route_is_seen() {
    inside("changes::an_ipv6_default_route_is_seen", async {
        let _network = Network::new();
        let mut monitor = Netlink::default();
        monitor.next_snapshot().await;
        ip("address add fd00::2/64 dev wifi nodad");
        ip("-6 route add default via fd00::1 dev wifi");
        let new = until(&mut monitor, |snapshot| snapshot.default_v6.is_some()).await;
        assert_eq!(new.default_v6.unwrap().source, Some("fd00::2".parse().unwrap()));
    });
}

#[test]
fn an_overflow_of_events_loses_nothing() {
    inside("changes::an_overflow_of_events_loses_nothing", async {
        let _network = Network::new();
        let mut monitor = Netlink::default();
        monitor.next_snapshot().await;
        // Nobody reads the socket meanwhile, and it has room for some hundred events.
        let lines = |verb: &str| -> String {
            (0..5000).map(|n| format!("route {verb} 10.9.{}.{}/32 dev cell\n", n / 250, n % 250)).collect()
        };
        batch(&[lines("add"), lines("del")].concat());
        assert!(dropped_events() > 0, "the socket overflowed");
        ip("address add 10.1.0.77/24 dev wifi");
        until(&mut monitor, |snapshot| has(snapshot, "wifi", [10, 1, 0, 77])).await;
        ip("address add 10.1.0.78/24 dev wifi");
        until(&mut monitor, |snapshot| has(snapshot, "wifi", [10, 1, 0, 78])).await;
    });
}

/// Changes carrier, address and default route there and back, and prints how long each took to be seen.
async fn see_every_kind(monitor: impl NetworkMonitor + 'static) {
    let network = Arc::new(Network::new());
    let monitor_name = format!("{monitor:?}").split(' ').next().unwrap_or_default().to_owned();
    let mut observer = Observer::new(monitor).await;
    let plug = |direction: &'static str| {
        let network = Arc::clone(&network);
        move || network.plug("wifi", direction)
    };
    // Without its carrier the default route leads nowhere, whatever the monitor knows of the carrier.
    let seen = [
        ("carrier lost", observer.see(plug("down"), |seen| !leaves_by(seen, "wifi")).await),
        ("carrier back", observer.see(plug("up"), |seen| leaves_by(seen, "wifi")).await),
        ("address added", {
            let change = || ip("address add 10.1.0.55/24 dev wifi");
            observer.see(change, |seen| has(seen, "wifi", [10, 1, 0, 55])).await
        }),
        ("address deleted", {
            let change = || ip("address del 10.1.0.55/24 dev wifi");
            observer.see(change, |seen| !has(seen, "wifi", [10, 1, 0, 55])).await
        }),
        ("default route switched", {
            let change = || ip("route replace default via 10.2.0.1");
            observer.see(change, |seen| leaves_by(seen, "cell")).await
        }),
        ("default route deleted", {
            let change = || ip("route del default");
            observer.see(change, |seen| seen.default_v4.is_none()).await
        }),
    ];
    for (change, latency) in seen {
        println!("{monitor_name}: {change}: seen after {latency:?}");
    }
}

/// Returns how many events the kernel could not deliver to a subscriber in this namespace.
fn dropped_events() -> u32 {
    let sockets = std::fs::read_to_string("/proc/thread-self/net/netlink").unwrap();
    let column = sockets.lines().next().unwrap().split_whitespace().position(|word| word == "Drops");
    let drops = |line: &str| line.split_whitespace().nth(column.unwrap()).and_then(|word| word.parse().ok());
    sockets.lines().skip(1).filter_map(|line| -> Option<u32> { drops(line) }).sum()
}
