//! The signaling port over one WebSocket at a time.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use rejoin_core::Generation;
use rejoin_core::port::{Dialect, SignalingAction, SignalingEvent, SignalingTransport};
use rustls::ClientConfig;

use crate::dial::DialRequest;
use crate::interfaces::InterfaceChoice;
use crate::options::WebSocketOptions;
use crate::pump::Outgoing;
use crate::resolve::DnsCache;
use crate::socket::{Socket, Task};
use crate::tls;
use crate::tls_error::TlsSetupError;

/// A signaling transport over one WebSocket at a time.
///
/// Every `Open` action leads to exactly one `Closed` event, also after a `Close`, unless another `Open` comes first.
pub struct WebSocketTransport {
    dialect: Arc<dyn Dialect>,
    options: WebSocketOptions,
    tls: Arc<ClientConfig>,
    socket: Option<Socket>,
    /// The task of a socket that was replaced while closing: it may still have to send its close frame.
    closing: Option<Task>,
    /// `All` after a socket was closed as silent or a dial got no answer, until the next one opens; otherwise the
    /// default, so that a slow tunnel of the user is not bypassed.
    interfaces: InterfaceChoice,
    dns: DnsCache,
}

impl WebSocketTransport {
    /// Returns a transport without a socket.
    ///
    /// Reads the system's certificate authorities and the CA file; fails if the file cannot be used.
    pub fn new(dialect: Arc<dyn Dialect>, options: WebSocketOptions) -> Result<Self, TlsSetupError> {
        let tls = tls::client_config(options.ca_file.as_deref())?;
        let (interfaces, dns) = (InterfaceChoice::Default, DnsCache::default());
        Ok(Self { dialect, options, tls, socket: None, closing: None, interfaces, dns })
    }

    /// Returns the current socket if it has this generation.
    fn socket(&mut self, generation: Generation) -> Option<&mut Socket> {
        self.socket.as_mut().filter(|socket| socket.generation() == generation)
    }
}

#[async_trait]
impl SignalingTransport for WebSocketTransport {
    fn perform(&mut self, generation: Generation, action: SignalingAction) {
        match action {
            SignalingAction::Open { server, limit, resume } => {
                self.closing = self.socket.take().and_then(Socket::into_closing_task);
                let tls = Arc::clone(&self.tls);
                let max_frame_bytes = self.options.max_frame_bytes;
                let (dns, interfaces) = (self.dns.clone(), self.interfaces);
                let request = DialRequest { server, limit, dns, interfaces, resume, tls, max_frame_bytes };
                self.socket =
                    Some(Socket::open(generation, request, Arc::clone(&self.dialect), &self.options));
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
                    self.interfaces = InterfaceChoice::All;
                }
            }
            unknown => tracing::warn!(?unknown, "ignored an action of a newer core"),
        }
    }

    async fn next_event(&mut self) -> (Generation, SignalingEvent) {
        let Some(socket) = &mut self.socket else {
            return std::future::pending().await;
        };
        let event = socket.next_event().await;
        let generation = socket.generation();
        match event {
            SignalingEvent::Opened { .. } => self.interfaces = InterfaceChoice::Default,
            SignalingEvent::Closed { opened, status, .. } => {
                self.socket = None;
                if !opened && status.is_none() {
                    self.interfaces = InterfaceChoice::All;
                }
            }
            _ => {}
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
