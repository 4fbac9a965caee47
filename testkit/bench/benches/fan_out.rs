//! The cost of one delivered and acknowledged message in the core, by the number of viewers of one publisher.

use std::time::{Duration, Instant};

use anyhow::Result;
use criterion::{BenchmarkId, Criterion, Throughput};

use rejoin_bench::Publisher;

/// The numbers of viewers: the cost of a message must not depend on them.
const VIEWERS: [usize; 4] = [1, 20, 100, 500];

fn main() -> Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("one delivered message");
    group.throughput(Throughput::Elements(1));
    for viewers in VIEWERS {
        let mut publisher = Publisher::with_viewers(viewers)?;
        group.bench_function(BenchmarkId::new("viewers", viewers), |bencher| {
            bencher.iter_custom(|messages| measured(deliver(&mut publisher, messages)));
        });
    }
    group.finish();
    criterion.final_summary();
    Ok(())
}

/// Returns how long `messages` deliveries take; a broadcast makes one for each viewer, so the last one is a share.
fn deliver(publisher: &mut Publisher, messages: u64) -> Result<Duration> {
    let (begun, mut delivered) = (Instant::now(), 0);
    while delivered < messages {
        delivered += publisher.deliver()? as u64;
    }
    Ok(begun.elapsed().mul_f64(messages as f64 / delivered as f64))
}

/// Criterion knows no errors.
#[allow(clippy::panic, reason = "a failed measurement has no result")]
fn measured(run: Result<Duration>) -> Duration {
    run.unwrap_or_else(|error| panic!("{error:#}"))
}
