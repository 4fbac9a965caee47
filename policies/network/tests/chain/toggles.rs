//! A thousand changes of carriers, addresses and default routes, each of which must start a repair.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rejoin_core::network::DefaultRoute;

use crate::inside::inside;
use crate::kernel_events::{KernelEvents, Kind};
use crate::log::{Log, Record};
use crate::uplinks::{Uplinks, leading};
use crate::{ALONE, fake_peers};

/// Of ten toggles each; every session goes through as many as the machine's retry budget lets it repair at once.
const SESSIONS: usize = 20;
const CYCLES: usize = 5;
/// Longer than the monitor's window, so that each change is one by itself.
const PACE: Duration = Duration::from_millis(40);
/// What no machine is too busy for; the measured figures are far below.
const BOUND: Duration = Duration::from_secs(3);

/// The names of the sums.
const ALL: &str = "all";
const COMMANDS: &str = "all, from the command";

/// A change by which packets leave in another way, or in none.
struct Toggle {
    name: &'static str,
    /// whose commands, and what the kernel reports first.
    by: Kind,
    commands: &'static str,
    leads: Option<DefaultRoute>,
}

#[test]
fn none_of_1000_changes_misses_its_repair() {
    let _alone = ALONE.lock().unwrap();
    inside("toggles::none_of_1000_changes_misses_its_repair", async {
        let mut uplinks = Uplinks::new();
        let cycle = cycle();
        let (mut latencies, mut count) = (BTreeMap::<&str, Vec<Duration>>::new(), 0);
        for _ in 0..SESSIONS {
            let (recorder, mut log) = Log::begin();
            let _witness =
                KernelEvents::watch(&[Kind::Link, Kind::Address, Kind::DefaultRoute], recorder.clone());
            let session = fake_peers::start(&recorder);
            log.until_settled(&leading("wifi", [10, 200, 0, 2])).await;
            for toggle in cycle.iter().cycle().take(cycle.len() * CYCLES) {
                tokio::time::sleep(PACE).await; // the window of the last change must be over
                let Latency { kernel, command } = repaired(toggle, &mut uplinks, &mut log).await;
                for (name, latency) in [(toggle.name, kernel), (ALL, kernel), (COMMANDS, command)] {
                    latencies.entry(name).or_default().push(latency);
                }
                count += 1;
            }
            session.leave().await;
        }
        assert_eq!(count, 1000);
        for (name, latencies) in latencies {
            let most = print_latencies(name, latencies);
            assert!(most < BOUND, "{name}: {most:?}");
        }
    });
}

/// How long it took until a repair began.
struct Latency {
    /// From the message of the kernel; too short if the thread that receives it had to wait for a processor.
    kernel: Duration,
    /// From the command, which `ip` had yet to execute.
    command: Duration,
}

/// Makes a change, and returns how long after it its repair began.
async fn repaired(toggle: &Toggle, uplinks: &mut Uplinks, log: &mut Log) -> Latency {
    log.forget();
    let made = Instant::now();
    match toggle.by {
        Kind::Link => uplinks.far.run(toggle.commands),
        Kind::Address | Kind::DefaultRoute => uplinks.near.run(toggle.commands),
    }
    let (mut reported, mut begun) = (None, None);
    let mut there = false;
    loop {
        match log.next(toggle.name).await {
            (at, _) if at < made => {}
            (at, Record::Kernel(kind)) if kind == toggle.by => reported = reported.or(Some(at)),
            (_, Record::Kernel(_)) => {}
            (_, Record::Snapshot(snapshot)) => there = snapshot.default_v4 == toggle.leads,
            (at, Record::Dial) => begun = begun.or(Some(at)),
            // the last of what a repair begins with, on the way that the change has left
            (_, Record::PeerRepair) if there => break,
            (_, Record::PeerRepair) => {}
        }
    }
    let begun: Instant = begun.unwrap();
    let kernel = begun.saturating_duration_since(reported.unwrap_or(made));
    Latency { kernel, command: begun.saturating_duration_since(made) }
}

/// Returns ten changes after which everything is as it was.
fn cycle() -> [Toggle; 10] {
    let old = || Some(leading("wifi", [10, 200, 0, 2]));
    let cell = || Some(leading("cell", [10, 2, 0, 2]));
    let wifi = |last| Some(leading("wifi", [10, 1, 0, last]));
    let toggle = |name, by, commands, leads| Toggle { name, by, commands, leads };
    let (link, address, route) = (Kind::Link, Kind::Address, Kind::DefaultRoute);
    let replaced = "address replaced";
    [
        toggle("carrier lost", link, "link set far-wifi down\n", None),
        toggle("carrier back", link, "link set far-wifi up\n", old()),
        toggle("address added", address, "address add 10.1.0.2/24 dev wifi\n", wifi(2)),
        toggle(
            replaced,
            address,
            "address del 10.1.0.2/24 dev wifi\naddress add 10.1.0.3/24 dev wifi\n",
            wifi(3),
        ),
        toggle(
            replaced,
            address,
            "address del 10.1.0.3/24 dev wifi\naddress add 10.1.0.2/24 dev wifi\n",
            wifi(2),
        ),
        toggle("address deleted", address, "address del 10.1.0.2/24 dev wifi\n", old()),
        toggle("default route moved", route, "route replace default via 10.2.0.1 dev cell onlink\n", cell()),
        toggle("carrier lost", link, "link set far-cell down\n", None),
        toggle("carrier back", link, "link set far-cell up\n", cell()),
        toggle("default route moved", route, "route replace default via 10.1.0.1 dev wifi onlink\n", old()),
    ]
}

/// Prints the middle and the tail of `latencies`, and returns the longest.
fn print_latencies(name: &str, mut latencies: Vec<Duration>) -> Duration {
    latencies.sort_unstable();
    let count = latencies.len();
    let (p50, p99, most) = (latencies[count / 2], latencies[count * 99 / 100], latencies[count - 1]);
    println!("{count} x {name}: repair begins after p50 {p50:.1?}, p99 {p99:.1?}, max {most:.1?}");
    most
}
