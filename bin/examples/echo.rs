//! Views a stream and sends back whatever comes: the library in ten lines.

use std::error::Error;
use std::sync::Arc;

use rejoin_config::{Loader, Registry};
use rejoin_core::{Event, Recipient};
use rejoin_vdo_ninja::{Hosted, HostedOptions};
use rejoin_webrtc::WebRtcTransport;
use rejoin_websocket::{WebSocketOptions, WebSocketTransport};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let configuration = Loader::new(Registry::builtin()).profile("aggressive").load()?;
    let dialect = Arc::new(Hosted::new(&HostedOptions::default()));
    let signaling = WebSocketTransport::new(dialect.clone(), WebSocketOptions::default())?;
    let peers = WebRtcTransport::new(dialect);
    let mut session = rejoin_driver::connect("ws://127.0.0.1:8787")
        .view("studio")
        .policies(configuration.policies)
        .network_monitor(configuration.network)
        .transports(Box::new(signaling), Box::new(peers))
        .start()?;
    while let Some(event) = session.next_event().await {
        if let Event::Received { payload, .. } = event {
            session.send(Recipient::Everyone, payload).await?;
        }
    }
    Ok(())
}
