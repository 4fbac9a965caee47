//! Messages of 1 KiB between two real peers: the overhead of delivery, and its throughput relative to a bare channel.
#![allow(clippy::print_stdout, reason = "a measurement prints its results")]

use std::time::Duration;

use anyhow::{Result, bail};
use criterion::{Criterion, Throughput};
use tokio::runtime::Runtime;

use rejoin_bench::{Bare, MESSAGE, Sessions};
use rejoin_core::delivery::DeliveryFrame;
use rejoin_core::port::ChannelFrame;
use rejoin_core::{ChannelMessage, Dialect as _, Payload};
use rejoin_vdo_ninja::{Hosted, HostedOptions};

/// Messages per measured run: some hundred milliseconds, so that acknowledgements and full buffers take part.
const RUN: u64 = 10_000;

/// Pairs of runs, one right after the other, because a busy machine is slow for both.
const PAIRS: usize = 21;

fn main() -> Result<()> {
    overhead()?;
    let runtime = Runtime::new()?;
    let mut bare = runtime.block_on(Bare::open())?;
    let mut sessions = runtime.block_on(Sessions::open("vdo-ninja"))?;
    ratio(&runtime, &mut bare, &mut sessions)?;

    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let mut group = criterion.benchmark_group("1 KiB messages over loopback");
    group.throughput(Throughput::Bytes(RUN * MESSAGE as u64)).measurement_time(Duration::from_secs(20));
    group.bench_function("bare data channel", |bencher| {
        bencher.iter_custom(|runs| duration(runtime.block_on(bare.carry(runs * RUN))));
    });
    group.bench_function("delivery", |bencher| {
        bencher.iter_custom(|runs| duration(runtime.block_on(sessions.carry(runs * RUN))));
    });
    group.finish();
    criterion.final_summary();
    runtime.block_on(sessions.close());
    Ok(())
}

/// Prints the bytes that delivery adds to a message whose number is a million.
fn overhead() -> Result<()> {
    let payload = Payload(format!("\"{}\"", "x".repeat(MESSAGE - 2)).into());
    let frame = DeliveryFrame::Message { sequence: 1_000_000, acknowledged: 1_000_000, payload };
    let message = ChannelMessage::Delivery(frame);
    let frame = match Hosted::new(&HostedOptions::default()).encode_channel(&message)? {
        ChannelFrame::Binary(frame) => frame,
        ChannelFrame::Text(text) => bail!("delivery uses binary frames, got {text:.20}"),
    };
    let added = frame.len() - MESSAGE;
    let share = 100.0 * added as f64 / MESSAGE as f64;
    println!("overhead: {added} bytes on {MESSAGE}, {share:.2} %");
    Ok(())
}

/// Prints the throughput of delivery over that of the bare channel, the median of many pairs of runs.
fn ratio(runtime: &Runtime, bare: &mut Bare, sessions: &mut Sessions) -> Result<()> {
    let (mut rates, mut ratios) = ([Vec::new(), Vec::new()], Vec::new());
    for _ in 0..PAIRS {
        let [without, with] = [runtime.block_on(bare.carry(RUN))?, runtime.block_on(sessions.carry(RUN))?];
        for (rates, took) in rates.iter_mut().zip([without, with]) {
            rates.push(RUN as f64 / took.as_secs_f64());
        }
        ratios.push(without.as_secs_f64() / with.as_secs_f64());
    }
    let [without, with] = rates.each_mut().map(|rates| median(rates));
    let lowest = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    println!("throughput: bare {without:.0} messages/s, delivery {with:.0} messages/s");
    println!("ratio: median {:.1} %, lowest {:.1} % of {PAIRS}", 100.0 * median(&mut ratios), 100.0 * lowest);
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Criterion takes no errors, so a failed measurement panics.
#[allow(clippy::panic, reason = "the benchmark cannot continue")]
fn duration(run: Result<Duration>) -> Duration {
    run.unwrap_or_else(|error| panic!("{error:#}"))
}
