//! Many changes that do not affect the session, and one among them that does.

use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use tokio::task::spawn_blocking;

use crate::inside::inside;
use crate::kernel_events::{KernelEvents, Kind};
use crate::log::{Log, Record};
use crate::uplinks::{Ip, Uplinks, leading};
use crate::{ALONE, fake_peers};

/// 3 s of 100 bursts each.
const BURSTS: u32 = 300;
const PACE: Duration = Duration::from_millis(10);
/// Of an address added and deleted, which the kernel reports with two events each: above 10,000 events in a second.
const PAIRS: u32 = 26;
/// What no machine is too busy for; the measured figures are far below.
const BOUND: Duration = Duration::from_secs(3);

#[test]
fn a_storm_neither_delays_a_repair_nor_takes_a_core() {
    let _alone = ALONE.lock().unwrap();
    inside("storm::a_storm_neither_delays_a_repair_nor_takes_a_core", async {
        let mut uplinks = Uplinks::new();
        let (recorder, mut log) = Log::begin();
        let kernel_events = KernelEvents::watch(&[Kind::DefaultRoute], recorder.clone());
        let session = fake_peers::start(&recorder);
        let wifi = leading("wifi", [10, 200, 0, 2]);
        log.until_settled(&wifi).await;
        log.forget();

        let (counted, worked, begun) = (kernel_events.count(), processor_time(), Instant::now());
        let storm = spawn_blocking(move || blow(begun));
        let mut first = None;
        while begun.elapsed() < PACE * BURSTS / 2 {
            if let (at, Record::Snapshot(_)) = log.next("a look at the storm").await {
                first = first.or(Some(at.saturating_duration_since(begun)));
            }
        }
        let repair = switched(&mut uplinks, &mut log).await;
        storm.await.unwrap();
        let (took, events) = (begun.elapsed(), kernel_events.count() - counted);
        let load = (processor_time() - worked).div_duration_f64(took);
        session.leave().await;

        let (first, rate) = (first.unwrap(), events as f64 / took.as_secs_f64());
        println!("storm of {events} events in {took:.1?} ({rate:.0} a second):");
        println!(
            "first snapshot {first:.1?}, kernel to repair {repair:.1?}, {load:.2} core-seconds a second"
        );
        // a busy machine drops some of the events that this subscription should receive
        assert!(events >= u64::from(BURSTS * PAIRS * 4) * 9 / 10, "{events} events are no storm");
        assert!(first < BOUND && repair < BOUND);
        assert!(load < 1.0);
    });
}

/// Adds and deletes addresses that nobody uses.
fn blow(begun: Instant) {
    let mut ip = Ip::here();
    let lines = |verb: &str| -> String {
        (0..PAIRS).map(|n| format!("address {verb} 10.77.0.{n}/32 dev cell\n")).collect()
    };
    let burst = [lines("add"), lines("del")].concat();
    for number in 1..=BURSTS {
        ip.run(&burst);
        thread::sleep((PACE * number).saturating_sub(begun.elapsed())); // the storm has a pace
    }
    ip.finish();
}

/// Moves the default route, and returns how long after the message of the kernel its repair began.
async fn switched(uplinks: &mut Uplinks, log: &mut Log) -> Duration {
    log.forget();
    uplinks.near.run("route replace default via 10.2.0.1 dev cell onlink\n");
    let (mut reported, mut begun) = (None, None::<Instant>);
    while reported.is_none() || begun.is_none() {
        match log.next("the repair in the storm").await {
            (at, Record::Kernel(_)) => reported = reported.or(Some(at)),
            (at, Record::Dial) => begun = begun.or(Some(at)),
            (_, Record::Snapshot(_) | Record::PeerRepair) => {}
        }
    }
    begun.unwrap().saturating_duration_since(reported.unwrap())
}

/// Returns how much time all threads of this process have spent on a processor.
fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap()
}
