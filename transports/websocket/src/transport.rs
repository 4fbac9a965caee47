//! The port: one socket at a time, opened and replaced on demand.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use rejoin_core::Generation;
use rejoin_core::port::{Dialect, SignalingAction, SignalingEvent, SignalingTransport};
use rustls::ClientConfig;

use crate::dial::{Call, Ways};
use crate::options::WebSocketOptions;
use crate::pump::Outgoing;
use crate::resolve::AddressBook;
use crate::socket::{Socket, Task};
use crate::tls;
use crate::tls_error::TlsSetupError;

/// Carries signaling over a WebSocket.
///
/// Every `Open` is followed by exactly one `Closed`, also after a `Close`, unless another `Open` comes first.
pub struct WebSocketTransport {
    dialect: Arc<dyn Dialect>,
    options: WebSocketOptions,
    tls: Arc<ClientConfig>,
    socket: Option<Socket>,
    /// The last socket, replaced while it was closing: its close frame may still be on the way.
    leaving: Option<Task>,
    /// Usual until a socket went silent or a dial got no answer, and again after the next one opened: a user's
    /// tunnel is not left because it is slow.
    ways: Ways,
    addresses: AddressBook,
}

impl WebSocketTransport {
    /// Returns a transport without a socket; reads the system's authorities and the CA file.
    pub fn new(dialect: Arc<dyn Dialect>, options: WebSocketOptions) -> Result<Self, TlsSetupError> {
        let tls = tls::client_config(options.ca_file.as_deref())?;
        let addresses = AddressBook::default();
        Ok(Self { dialect, options, tls, socket: None, leaving: None, ways: Ways::Usual, addresses })
    }

    /// Returns the socket of `generation`, if it is the one there is.
    fn socket(&mut self, generation: Generation) -> Option<&mut Socket> {
        self.socket.as_mut().filter(|socket| socket.generation() == generation)
    }
}

#[async_trait]
impl SignalingTransport for WebSocketTransport {
    fn perform(&mut self, generation: Generation, action: SignalingAction) {
        match action {
            SignalingAction::Open { server, limit, resume } => {
                self.leaving = self.socket.take().and_then(Socket::leave);
                let tls = Arc::clone(&self.tls);
                let max_frame_bytes = self.options.max_frame_bytes;
                let (addresses, ways) = (self.addresses.clone(), self.ways);
                let call = Call { server, limit, addresses, ways, resume, tls, max_frame_bytes };
                self.socket = Some(Socket::open(generation, call, Arc::clone(&self.dialect), &self.options));
            }
            SignalingAction::Send(message) => {
                if let Some(socket) = self.socket(generation) {
                    socket.send(Outgoing::Message(message));
                }
            }
            SignalingAction::Ping => {
                if let Some(socket) = self.socket(generation) {
                    socket.send(Outgoing::Ping);
                }
            }
            SignalingAction::Close => {
                if let Some(socket) = self.socket(generation) {
                    socket.close();
                    self.ways = Ways::Every;
                }
            }
        }
    }

    async fn next_event(&mut self) -> (Generation, SignalingEvent) {
        let Some(socket) = &mut self.socket else {
            return std::future::pending().await;
        };
        let event = socket.next_event().await;
        let generation = socket.generation();
        match event {
            SignalingEvent::Opened { .. } => self.ways = Ways::Usual,
            SignalingEvent::Closed { opened, status, .. } => {
                self.socket = None;
                if !opened && status.is_none() {
                    self.ways = Ways::Every;
                }
            }
            SignalingEvent::Received(_) | SignalingEvent::Malformed { .. } | SignalingEvent::Pong => {}
        }
        (generation, event)
    }
}

impl fmt::Debug for WebSocketTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let generation = self.socket.as_ref().map(Socket::generation);
        f.debug_struct("WebSocketTransport").field("generation", &generation).finish_non_exhaustive()
    }
}
