//! Views every stream of a room, and prints who is there and what they send.
//!
//! Run it with `cargo run -p rejoin --example view_room [SERVER]`.

#![allow(clippy::print_stdout, reason = "the output of a command-line program")]

use rejoin::Event;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = std::env::args().nth(1).unwrap_or("ws://127.0.0.1:8787".into());
    let mut session = rejoin::connect(&server).room("show").view_room(None).start()?;
    while let Some(event) = session.next_event().await {
        match event {
            Event::Connected(peer) => println!("connected {}", peer.key.peer),
            Event::PeerLeft(peer) => println!("left {}", peer.key.peer),
            Event::Received { from, payload, .. } => println!("{}: {}", from.key.peer, payload.0),
            _ => {}
        }
    }
    Ok(())
}
