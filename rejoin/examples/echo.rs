//! Views a stream and sends every message back.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = std::env::args().nth(1).unwrap_or("ws://127.0.0.1:8787".into());
    let mut session = rejoin::connect(&server).profile("aggressive")?.view("studio").start()?;
    while let Some(event) = session.next_event().await {
        if let rejoin::Event::Received { payload, .. } = event {
            session.send(rejoin::Recipient::Everyone, payload).await?;
        }
    }
    Ok(())
}
