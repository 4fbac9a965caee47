//! Which changes the portable monitor finds by an event, and which only by its interval.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rejoin_core::{NetworkMonitor, NetworkSnapshot};
use rejoin_network::Portable;
use tokio::select;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use crate::inside::inside;
use crate::network::{Network, batch, ip};
use crate::observer::{Observer, has, leaves_by, quiet, until};

/// Nothing but an event ends it within a test.
const HOUR: Duration = Duration::from_secs(3600);

/// Without events it would look every second, so that a change would be seen half a second later at best.
const BOUND: Duration = Duration::from_millis(400);

/// There and back.
const ROUNDS: u32 = 20;

#[test]
fn an_event_tells_of_an_address() {
    inside("portable::an_event_tells_of_an_address", async {
        let _network = Network::new();
        see_spare("address add 10.1.0.55/24 dev wifi", "address del 10.1.0.55/24 dev wifi").await;
    });
}

#[test]
fn an_event_tells_of_an_interface() {
    inside("portable::an_event_tells_of_an_interface", async {
        let _network = Network::new();
        let add = "link add spare type veth peer name far-spare\naddress add 10.1.0.55/24 dev spare";
        see_spare(add, "link del spare").await;
    });
}

#[test]
fn the_interval_finds_a_lost_carrier() {
    inside("portable::the_interval_finds_a_lost_carrier", async {
        let network = Arc::new(Network::new());
        let mut observer = Observer::new(portable(Duration::from_millis(200))).await;
        for direction in ["down", "up"].repeat(5) {
            let network = Arc::clone(&network);
            let plug = move || network.plug("wifi", direction);
            let latency = observer.see(plug, |seen| leaves_by(seen, "wifi") == (direction == "up")).await;
            println!("carrier {direction}: seen after {latency:?}");
        }
    });
}

#[test]
fn a_storm_gives_one_snapshot_per_window() {
    inside("portable::a_storm_gives_one_snapshot_per_window", async {
        let _network = Network::new();
        let mut monitor = portable(HOUR);
        monitor.next_snapshot().await;
        let begun = Instant::now();
        let lines = |round: u32| -> String {
            let verb = if round.is_multiple_of(2) { "add" } else { "del" };
            (0..200).map(|n| format!("address {verb} 10.2.0.{}/24 dev cell\n", n + 10)).collect()
        };
        let mut storm = spawn_blocking(move || (0..50).for_each(|round| batch(&lines(round))));
        let mut snapshots = 0;
        while !storm.is_finished() {
            select! {
                _ = monitor.next_snapshot() => snapshots += 1,
                _ = &mut storm => break,
            }
        }
        let (elapsed, most) = (begun.elapsed(), begun.elapsed().div_duration_f64(monitor.debounce).ceil());
        println!("10000 changes in {elapsed:?}: {snapshots} snapshots of at most {most}");
        assert!((1.0..=most).contains(&f64::from(snapshots)), "{snapshots} snapshots of at most {most}");
        quiet(&mut monitor).await;
        ip("address add 10.1.0.77/24 dev wifi");
        until(&mut monitor, |snapshot| has(snapshot, "wifi", [10, 1, 0, 77])).await;
    });
}

/// Lets the address 10.1.0.55 come and go, and holds the mean time until it is seen against the bound.
async fn see_spare(add: &'static str, del: &'static str) {
    let mut observer = Observer::new(portable(HOUR)).await;
    let spare = IpAddr::from([10, 1, 0, 55]);
    let there = |seen: &NetworkSnapshot| seen.interfaces.values().any(|one| one.addresses.contains(&spare));
    let mut sum = Duration::ZERO;
    for _ in 0..ROUNDS {
        sum += observer.see(|| batch(add), there).await;
        sum += observer.see(|| batch(del), |seen| !there(seen)).await;
    }
    let mean = sum / (2 * ROUNDS);
    println!("{} changes by \"{add}\" and back: seen after {mean:?} in the mean", 2 * ROUNDS);
    assert!(mean < BOUND, "{mean:?}");
}

fn portable(interval: Duration) -> Portable {
    let mut portable = Portable::default();
    portable.interval = interval;
    portable
}
