//! Replaces the signaling transport by one that prints the actions and events of the built-in transport.
//!
//! Run it with `cargo run -p rejoin --example custom_transport [SERVER]`.

#![allow(clippy::print_stdout, reason = "the output of a command-line program")]

use std::sync::Arc;

use rejoin::port::{SignalingAction, SignalingEvent};
use rejoin::{
    Generation, Hosted, HostedOptions, SignalingTransport, WebSocketOptions, WebSocketTransport, async_trait,
};

/// A transport that prints what passes through it.
struct Traced(WebSocketTransport);

#[async_trait]
impl SignalingTransport for Traced {
    fn perform(&mut self, generation: Generation, action: SignalingAction) {
        println!("-> {action:?}");
        self.0.perform(generation, action);
    }

    async fn next_event(&mut self) -> (Generation, SignalingEvent) {
        let (generation, event) = self.0.next_event().await;
        println!("<- {event:?}");
        (generation, event)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = std::env::args().nth(1).unwrap_or("ws://127.0.0.1:8787".into());
    let dialect = Arc::new(Hosted::new(&HostedOptions::default()));
    let transport = WebSocketTransport::new(dialect, WebSocketOptions::default())?;
    let mut session =
        rejoin::connect(&server).signaling_transport(Box::new(Traced(transport))).view("studio").start()?;
    while session.next_event().await.is_some() {}
    Ok(())
}
