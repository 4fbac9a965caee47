//! Paces retries with a policy of its own, which the configuration chooses by name.
//!
//! Run it with `cargo run -p rejoin --example custom_policy [SERVER]`.

#![allow(clippy::print_stdout, reason = "the output of a command-line program")]

use std::time::Duration;

use rejoin::policy::BackoffContext;
use rejoin::serde::Deserialize;
use rejoin::{BackoffPolicy, Event, Loader, Registry};

/// Delays that grow by a fixed step, up to ten steps.
#[derive(Debug, Deserialize)]
#[serde(crate = "rejoin::serde", default, deny_unknown_fields)]
struct Linear {
    step_ms: u64,
}

impl Default for Linear {
    fn default() -> Self {
        Self { step_ms: 1000 }
    }
}

impl BackoffPolicy for Linear {
    fn delay(&self, retry: &BackoffContext<'_>) -> Option<Duration> {
        Some(Duration::from_millis(self.step_ms) * (retry.attempt + 1).min(10))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = std::env::args().nth(1).unwrap_or("ws://127.0.0.1:8787".into());
    let registry = Registry::builtin().backoff::<Linear>("linear").about("delays that grow by a fixed step");
    let configuration =
        Loader::new(registry).set("backoff.use=linear").set("backoff.linear.step_ms=20").load()?;
    let mut session = rejoin::connect(&server).configuration(configuration).view("studio").start()?;
    while let Some(event) = session.next_event().await {
        match event {
            Event::Repairing { attempt, after, .. } => println!("attempt {attempt} in {after:?}"),
            Event::SignalingConnected { .. } => println!("signaling connected"),
            _ => {}
        }
    }
    Ok(())
}
