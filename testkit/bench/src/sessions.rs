//! Two rejoin sessions with all that a real one has: a server, sockets, policies, a peer connection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::time::timeout;

use rejoin_config::{Loader, Registry};
use rejoin_core::{Dialect, Event, Payload, Recipient};
use rejoin_driver::{Events, Handle, SessionBuilder};
use rejoin_signaling_server::{Options, Server, ServerHandle};
use rejoin_vdo_ninja::{Hosted, HostedOptions};
use rejoin_webrtc::WebRtcTransport;
use rejoin_websocket::{WebSocketOptions, WebSocketTransport};

/// The size of the messages that are measured, in bytes.
pub const MESSAGE: usize = 1024;

/// The limit of every wait; generous, because the machine may be busy.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A publisher and a viewer that deliver to each other over loopback.
#[derive(Debug)]
pub struct Sessions {
    publisher: Handle,
    viewer: Handle,
    viewer_events: Events,
    server: ServerHandle,
}

impl Sessions {
    /// Connects two sessions with the policies of `profile`.
    ///
    /// # Errors
    /// Fails if they are not connected within a minute.
    pub async fn open(profile: &str) -> Result<Self> {
        let server = Server::bind("127.0.0.1:0", Options::default()).await?.start();
        let url = format!("ws://{}", server.local_addr());
        let (publisher, mut publisher_events) = session(&url, profile)?.publish("bench").start()?.split();
        let (viewer, mut viewer_events) = session(&url, profile)?.view("bench").start()?.split();
        for events in [&mut publisher_events, &mut viewer_events] {
            until(events, |event| matches!(event, Event::Connected(_))).await?;
        }
        tokio::spawn(async move { while publisher_events.next().await.is_some() {} });
        Ok(Self { publisher, viewer, viewer_events, server })
    }

    /// Sends `messages` messages to the viewer, and returns how long it took until all of them had arrived.
    ///
    /// # Errors
    /// Fails if one is lost or none arrives for a minute.
    pub async fn carry(&mut self, messages: u64) -> Result<Duration> {
        let payload = Payload(format!("\"{}\"", "x".repeat(MESSAGE - 2)).into());
        let publisher = self.publisher.clone();
        let begun = Instant::now();
        let sending = tokio::spawn(async move {
            for _ in 0..messages {
                publisher.send(Recipient::Everyone, payload.clone()).await?;
            }
            anyhow::Ok(())
        });
        for _ in 0..messages {
            until(&mut self.viewer_events, |event| matches!(event, Event::Received { .. })).await?;
        }
        let took = begun.elapsed();
        sending.await??;
        Ok(took)
    }

    /// Leaves with both sessions and stops the server.
    pub async fn close(self) {
        self.viewer.leave().await;
        self.publisher.leave().await;
        self.server.shutdown().await;
    }
}

fn session(url: &str, profile: &str) -> Result<SessionBuilder> {
    let dialect: Arc<dyn Dialect> = Arc::new(Hosted::new(&HostedOptions::default()));
    let signaling = WebSocketTransport::new(Arc::clone(&dialect), WebSocketOptions::default())?;
    let configuration = Loader::new(Registry::builtin()).profile(profile).load()?;
    let outbox = configuration.outbox;
    Ok(rejoin_driver::connect(url)
        .policies(configuration.policies)
        .outbox_limits(outbox.messages.get() as usize, outbox.bytes.get() as usize)
        .bind_address("127.0.0.1:0")
        .transports(Box::new(signaling), Box::new(WebRtcTransport::new(dialect))))
}

async fn until(events: &mut Events, wanted: impl Fn(&Event) -> bool) -> Result<()> {
    loop {
        let event = timeout(TIMEOUT, events.next()).await.context("no event within the limit")?;
        match event.context("the session ended by itself")? {
            lost @ (Event::Dropped { .. } | Event::Missed { .. }) => bail!("messages were lost: {lost:?}"),
            event if wanted(&event) => return Ok(()),
            _ => {}
        }
    }
}
