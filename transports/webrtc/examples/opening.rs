//! Measures how long two connections on this host take from `Create` until both channels are open.

#![allow(clippy::expect_used, clippy::print_stdout, clippy::panic)]

use std::time::{Duration, Instant};

use pair::Pair;

#[path = "../tests/transport/pair.rs"]
#[allow(dead_code)]
mod pair;

/// Openings measured; an odd handful would hide the spread.
const OPENINGS: usize = 20;

#[tokio::main]
async fn main() {
    let mut times: Vec<Duration> = Vec::with_capacity(OPENINGS);
    for _ in 0..OPENINGS {
        let start = Instant::now();
        let pair = Pair::open().await;
        times.push(start.elapsed());
        pair.offerer.close().await;
        pair.answerer.close().await;
    }
    times.sort();
    let (least, median, most) = (times[0], times[OPENINGS / 2], times[OPENINGS - 1]);
    println!("from Create to both channels open, {OPENINGS} times: {least:.1?} / {median:.1?} / {most:.1?}");
}
