//! Prints every counter and gauge of a session after each event about a link.
//!
//! Any recorder of the `metrics` crate works; services use one that exports, such as `metrics-exporter-prometheus`.
//! Run it with `cargo run -p rejoin --example metrics [SERVER]`.

#![allow(clippy::print_stdout, reason = "the output of a command-line program")]

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use rejoin::Event;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = std::env::args().nth(1).unwrap_or("ws://127.0.0.1:8787".into());
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    // Before the session starts, or its first events are not counted.
    recorder.install()?;
    let mut session = rejoin::connect(&server).view("studio").start()?;
    while let Some(event) = session.next_event().await {
        if let Event::SignalingConnected { .. } | Event::Connected(_) | Event::Recovered(_) = event {
            print(&snapshotter);
        }
    }
    Ok(())
}

fn print(snapshotter: &Snapshotter) {
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        match value {
            DebugValue::Counter(count) => println!("{} {count}", key.key().name()),
            DebugValue::Gauge(level) => println!("{} {level}", key.key().name()),
            DebugValue::Histogram(_) => {}
        }
    }
}
