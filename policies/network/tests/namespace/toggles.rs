//! Three hundred changes in a row, none of which may be missed.

use std::sync::Arc;
use std::time::Duration;

use rejoin_core::NetworkSnapshot;
use rejoin_network::Netlink;

use crate::inside::inside;
use crate::network::{Network, ip};
use crate::observer::Observer;

/// Of each kind.
const TOGGLES: usize = 100;

#[test]
fn netlink_misses_none_of_300_changes() {
    inside("toggles::netlink_misses_none_of_300_changes", async {
        let network = Arc::new(Network::new());
        let mut observer = Observer::new(Netlink::default()).await;
        let (mut carrier, mut address, mut route) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..TOGGLES {
            let there = round % 2 == 0;
            let far = Arc::clone(&network);
            let plug = move || far.plug("cell", if there { "down" } else { "up" });
            carrier.push(observer.see(plug, |seen| seen.interfaces["cell"].carrier != there).await);
            let assign = move || {
                ip(&format!("address {} 10.1.0.55/24 dev wifi", if there { "add" } else { "del" }));
            };
            let count = if there { 2 } else { 1 };
            address.push(observer.see(assign, |seen| seen.interfaces["wifi"].addresses.len() == count).await);
            let lead = move || match there {
                true => ip("route del default"),
                false => ip("route add default via 10.1.0.1"),
            };
            route.push(observer.see(lead, |seen: &NetworkSnapshot| seen.default_v4.is_none() == there).await);
        }
        let all = [carrier.clone(), address.clone(), route.clone()].concat();
        for (kind, latencies) in [("carrier", carrier), ("address", address), ("route", route), ("all", all)]
        {
            print_latencies(kind, latencies);
        }
    });
}

/// Prints the middle and the tail of `latencies`, which include the run of `ip` itself.
fn print_latencies(kind: &str, mut latencies: Vec<Duration>) {
    latencies.sort_unstable();
    let count = latencies.len();
    let (p50, p99) = (latencies[count / 2], latencies[count * 99 / 100]);
    let most = latencies[count - 1];
    println!("{count} toggles of {kind}: p50 {p50:?}, p99 {p99:?}, max {most:?}");
}
