//! Publishes a stream and answers every message once, even if the process is killed at any moment.
//!
//! Run it with `cargo run -p rejoin --example durable_bot [SERVER] [DIRECTORY]`.

use std::path::PathBuf;

use rejoin::{Event, FileStore, Payload, Recipient, RedbDeliveryStore};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let server = arguments.next().unwrap_or("ws://127.0.0.1:8787".into());
    let directory = PathBuf::from(arguments.next().unwrap_or(".".into()));
    let mut session = rejoin::connect(&server)
        .publish("bot")
        .session_store(Box::new(FileStore::open(directory.join("bot.json"))?))
        .delivery_store(Box::new(RedbDeliveryStore::open(directory.join("bot.messages"))?))
        .start()?;
    while let Some(event) = session.next_event().await {
        if let Event::Received { from, payload, position } = event {
            let answer = Payload(format!("{{\"answer_to\":{}}}", payload.0).into());
            session.send(Recipient::Everyone, answer).await?;
            // The answer is stored, so the question is not needed again.
            if let Some(position) = position {
                session.confirm(&from.key, position).await?;
            }
        }
    }
    Ok(())
}
