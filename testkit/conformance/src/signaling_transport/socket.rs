//! A transport with its socket and server.

use std::sync::Arc;
use std::time::Duration;

use rejoin_core::port::{SignalingAction, SignalingEvent, SignalingTransport};
use rejoin_core::{Generation, SignalingMessage};
use tokio::time::timeout;

use crate::signaling_transport::SignalingTransports;
use crate::signaling_transport::server::Server;
use crate::text_dialect::TextDialect;
use crate::violation::require;

/// A transport and the server that its socket leads to.
pub(crate) struct Socket {
    transport: Box<dyn SignalingTransport>,
    server: Option<Server>,
    generation: Generation,
    event_timeout: Duration,
    quiet_time: Duration,
}

impl Socket {
    /// Opens a socket to a server that echoes.
    pub(crate) async fn open(transports: &SignalingTransports) -> Result<Self, String> {
        let mut socket = Self::build(transports, Some(Server::echo().await?));
        socket.reopen().await?;
        Ok(socket)
    }

    /// Dials a server that never answers.
    pub(crate) async fn unanswered(
        transports: &SignalingTransports,
        limit: Duration,
    ) -> Result<Self, String> {
        let server = Server::mute().await?;
        let url = server.url.clone();
        let mut socket = Self::build(transports, Some(server));
        socket.dial(&url, limit);
        Ok(socket)
    }

    /// Dials a port on which no server listens; returns its URL.
    pub(crate) async fn refused(transports: &SignalingTransports) -> Result<(Self, String), String> {
        let url = Server::refusing().await?;
        let mut socket = Self::build(transports, None);
        let limit = socket.event_timeout;
        socket.dial(&url, limit);
        Ok((socket, url))
    }

    fn build(transports: &SignalingTransports, server: Option<Server>) -> Self {
        let SignalingTransports { event_timeout, quiet_time, .. } = *transports;
        let transport = (transports.build)(Arc::new(TextDialect));
        Self { transport, server, generation: Generation(0), event_timeout, quiet_time }
    }

    /// Opens another socket to the same server and waits until it is open.
    pub(crate) async fn reopen(&mut self) -> Result<(), String> {
        let url = self.server.as_ref().map(|server| server.url.clone()).ok_or("there is no server")?;
        let limit = self.event_timeout;
        self.dial(&url, limit);
        let event = self.next().await?;
        let opened = matches!(event, SignalingEvent::Opened { .. });
        require(opened, || format!("expected Opened, got {event:?}"))
    }

    fn dial(&mut self, url: &str, limit: Duration) {
        self.generation.0 += 1;
        self.perform(SignalingAction::Open { server: url.into(), limit, resume: None });
    }

    pub(crate) fn perform(&mut self, action: SignalingAction) {
        self.perform_for(self.generation, action);
    }

    pub(crate) fn perform_for(&mut self, generation: Generation, action: SignalingAction) {
        self.transport.perform(generation, action);
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.perform(SignalingAction::Send(message(text)));
    }

    pub(crate) async fn next_event(&mut self) -> (Generation, SignalingEvent) {
        self.transport.next_event().await
    }

    /// Returns the next event; fails after a while, and for an event of another socket.
    pub(crate) async fn next(&mut self) -> Result<SignalingEvent, String> {
        let (expected, limit) = (self.generation, self.event_timeout);
        match timeout(limit, self.next_event()).await {
            Ok((generation, event)) if generation == expected => Ok(event),
            Ok((generation, event)) => {
                Err(format!("{event:?} of {generation:?}; the socket is {expected:?}"))
            }
            Err(_) => Err("no event came".to_owned()),
        }
    }

    /// Sends a message and waits until it comes back.
    pub(crate) async fn echo(&mut self) -> Result<(), String> {
        self.send("echo");
        let event = self.next().await?;
        require(event == request("echo"), || format!("expected the echo, got {event:?}"))
    }

    /// Fails if any event comes within the quiet time.
    pub(crate) async fn stays_quiet(&mut self) -> Result<(), String> {
        let quiet_time = self.quiet_time;
        match timeout(quiet_time, self.next_event()).await {
            Ok(event) => Err(format!("{event:?} came when nothing more was to come")),
            Err(_) => Ok(()),
        }
    }
}

/// Returns a signaling message of the text dialect.
pub(crate) fn message(text: &str) -> SignalingMessage {
    SignalingMessage::Unknown { request: text.to_owned() }
}

/// Returns the event of a received message of the text dialect.
pub(crate) fn request(text: &str) -> SignalingEvent {
    SignalingEvent::Received(message(text))
}
