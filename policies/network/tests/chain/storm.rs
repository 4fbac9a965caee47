//! A storm of changes that matter to nobody, and one in its middle that does.

use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use tokio::task::spawn_blocking;

use crate::inside::inside;
use crate::log::{Log, Sighting};
use crate::uplinks::{Ip, Uplinks, leading};
use crate::witness::{Kind, Witness};
use crate::{ALONE, far};

/// 3 s of 100 bursts each.
const BURSTS: u32 = 300;
const PACE: Duration = Duration::from_millis(10);
/// Of an address added and deleted, which the kernel tells with two events each: above 10,000 events in a second.
const PAIRS: u32 = 26;
/// What no machine is too busy for; the measured figures are far below.
const BOUND: Duration = Duration::from_secs(3);

#[test]
fn a_storm_neither_delays_a_repair_nor_takes_a_core() {
    let _alone = ALONE.lock().unwrap();
    inside("storm::a_storm_neither_delays_a_repair_nor_takes_a_core", async {
        let mut uplinks = Uplinks::new();
        let (pen, mut log) = Log::begin();
        let witness = Witness::watch(&[Kind::DefaultRoute], pen.clone());
        let session = far::start(&pen);
        let wifi = leading("wifi", [10, 200, 0, 2]);
        log.until_settled(&wifi).await;
        log.forget();

        let (counted, worked, begun) = (witness.count(), processor_time(), Instant::now());
        let storm = spawn_blocking(move || blow(begun));
        let mut first = None;
        while begun.elapsed() < PACE * BURSTS / 2 {
            if let (at, Sighting::Snapshot(_)) = log.next("a look at the storm").await {
                first = first.or(Some(at.saturating_duration_since(begun)));
            }
        }
        let repair = switched(&mut uplinks, &mut log).await;
        storm.await.unwrap();
        let (took, events) = (begun.elapsed(), witness.count() - counted);
        let load = (processor_time() - worked).div_duration_f64(took);
        session.leave().await;

        let (first, rate) = (first.unwrap(), events as f64 / took.as_secs_f64());
        println!("storm of {events} events in {took:.1?} ({rate:.0} a second):");
        println!(
            "first snapshot {first:.1?}, kernel to repair {repair:.1?}, {load:.2} core-seconds a second"
        );
        // a busy machine drops some of what the witness should hear
        assert!(events >= u64::from(BURSTS * PAIRS * 4) * 9 / 10, "{events} events are no storm");
        assert!(first < BOUND && repair < BOUND);
        assert!(load < 1.0);
    });
}

/// Makes and unmakes addresses that nobody uses.
fn blow(begun: Instant) {
    let mut ip = Ip::here();
    let lines = |verb: &str| -> String {
        (0..PAIRS).map(|n| format!("address {verb} 10.77.0.{n}/32 dev cell\n")).collect()
    };
    let burst = [lines("add"), lines("del")].concat();
    for number in 1..=BURSTS {
        ip.tell(&burst);
        thread::sleep((PACE * number).saturating_sub(begun.elapsed())); // the storm has a pace
    }
    ip.finish();
}

/// Moves the default route, and returns how long after the kernel's word its repair began.
async fn switched(uplinks: &mut Uplinks, log: &mut Log) -> Duration {
    log.forget();
    uplinks.near.tell("route replace default via 10.2.0.1 dev cell onlink\n");
    let (mut told, mut begun) = (None, None::<Instant>);
    while told.is_none() || begun.is_none() {
        match log.next("the repair in the storm").await {
            (at, Sighting::Kernel(_)) => told = told.or(Some(at)),
            (at, Sighting::Dial) => begun = begun.or(Some(at)),
            (_, Sighting::Snapshot(_) | Sighting::PeerRepair) => {}
        }
    }
    begun.unwrap().saturating_duration_since(told.unwrap())
}

/// Returns how much time all threads of this process have spent on a processor.
fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap()
}
