//! Five hundred connections that open and close leak no memory, socket or task.

// The helpers of tests are tests too.
#![allow(clippy::expect_used, clippy::panic)]

use std::fs;
use std::time::Duration;

use rejoin_core::port::{PeerAction, PeerEvent};
use tokio::task::JoinSet;

use pair::{Pair, Side, setup, text_message};

#[path = "transport/pair.rs"]
#[allow(dead_code)]
mod pair;

/// Cycles in all, pairs at a time, and the cycle from which on nothing may grow: caches are full by then.
const CYCLES: usize = 500;
const CONCURRENT: usize = 10;
const SETTLED: usize = 100;

/// What 400 further pairs may add: noise of the allocator, a twentieth of what leaked connections would.
const SLACK_KIB: usize = 8 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opening_and_closing_leaks_nothing() {
    let mut settled = Footprint::default();
    for cycle in (0..CYCLES).step_by(CONCURRENT) {
        let mut pairs = JoinSet::new();
        for _ in 0..CONCURRENT {
            pairs.spawn(open_and_close());
        }
        pairs.join_all().await;
        if cycle + CONCURRENT == SETTLED {
            settled = Footprint::at_rest().await;
        }
    }
    let end = Footprint::at_rest().await;
    println!("after {SETTLED} cycles {settled:?}, after {CYCLES} {end:?}");
    assert_eq!(end.files, settled.files, "open files");
    assert_eq!((settled.tasks, end.tasks), (0, 0), "running tasks");
    assert!(end.resident_kib < settled.resident_kib + SLACK_KIB, "{settled:?} grew to {end:?}");
}

/// One pair: opens, sends and closes.
async fn open_and_close() {
    let mut pair = Pair::new();
    pair.create(setup);
    pair.until_open().await;
    for tag in 0..5 {
        pair.send(Side::Offerer, tag, "hello");
    }
    let mut received = 0;
    pair.until(|_, event| {
        received += usize::from(*event == PeerEvent::Received(text_message("hello")));
        received == 5
    })
    .await;
    pair.perform(Side::Offerer, PeerAction::Close);
    pair.until(|side, event| side == Side::Answerer && *event == PeerEvent::ChannelClosed).await;
    pair.offerer.close().await;
    pair.answerer.close().await;
}

/// What the process holds while it waits.
#[derive(Debug, Default)]
struct Footprint {
    resident_kib: usize,
    files: usize,
    tasks: usize,
}

impl Footprint {
    /// Measures the footprint once the tasks that are to end have ended.
    async fn at_rest() -> Self {
        let ended = async {
            while tokio::runtime::Handle::current().metrics().num_alive_tasks() > 0 {
                tokio::task::yield_now().await;
            }
        };
        // A task that stays shows in the footprint.
        let _ = tokio::time::timeout(Duration::from_secs(10), ended).await;
        Self::now()
    }

    fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").expect("a Linux system");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a resident size");
        let resident_kib = resident.trim().trim_end_matches(" kB").parse().expect("a number of kB");
        let files = fs::read_dir("/proc/self/fd").expect("a Linux system").count();
        let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        Self { resident_kib, files, tasks }
    }
}
