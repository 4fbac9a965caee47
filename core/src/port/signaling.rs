//! The port to the signaling server, and the dialect that both transports speak.

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::id::{Generation, SignalingAddress};
use crate::message::{ChannelMessage, SignalingMessage};

/// Carries signaling messages to the server and back, over one socket at a time.
///
/// The rules that all transports share are in [`port`](crate::port). The others:
///
/// * [`Open`](SignalingAction::Open) replaces the socket there is, and no event of the replaced one follows.
/// * Each `Open` yields [`Opened`](SignalingEvent::Opened) at most once, before any message, and
///   [`Closed`](SignalingEvent::Closed) exactly once, unless another `Open` replaces it.
/// * Messages travel once and in order.
/// * Pings of the server are answered without an event; each [`Ping`](SignalingAction::Ping) yields one `Pong`.
#[async_trait]
pub trait SignalingTransport: Send {
    /// Starts `action` and returns at once; results come out of [`next_event`](Self::next_event).
    ///
    /// An action for another generation than the socket's is ignored, except `Open`.
    fn perform(&mut self, generation: Generation, action: SignalingAction);

    /// Returns the next event; pends while there is none. Cancel-safe.
    async fn next_event(&mut self) -> (Generation, SignalingEvent);
}

/// What the supervisor wants of the signaling socket.
///
/// A transport ignores an action of a newer core that it does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignalingAction {
    /// Dials `server` and upgrades, within `limit`.
    Open {
        /// A `ws://` or `wss://` URL.
        server: Arc<str>,
        /// How long name resolution, TCP, TLS and upgrade may take together.
        limit: Duration,
        /// The address to take back, if the server remembers it.
        resume: Option<Resumption>,
    },
    /// Sends a message.
    Send(SignalingMessage),
    /// Sends a WebSocket ping (RFC 6455 section 5.5.2).
    Ping,
    /// Closes the socket with code 1000; yields [`SignalingEvent::Closed`].
    Close,
}

/// What happened to the signaling socket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignalingEvent {
    /// The upgrade succeeded. A `rejoin serve` tells our address and how to take it back.
    Opened {
        /// Our address and its secret, where the server told them.
        resumption: Option<Resumption>,
        /// Whether the server gave us back the address that we asked for, with all that hangs on it.
        resumed: bool,
    },
    /// A message arrived.
    Received(SignalingMessage),
    /// A frame arrived that could not be decoded; the socket stays open.
    Malformed {
        /// What is wrong with it and what may help.
        reason: String,
    },
    /// A pong arrived.
    Pong,
    /// The socket closed, or was never opened.
    Closed {
        /// Whether it had been open.
        opened: bool,
        /// The RFC 6455 close code.
        code: Option<u16>,
        /// The HTTP status of a refused upgrade.
        status: Option<u16>,
        /// `Retry-After` of a refused upgrade.
        retry_after: Option<Duration>,
        /// What happened, naming the server.
        reason: String,
    },
}

/// A address that a `rejoin serve` gave us, and the secret that takes it back on the next socket.
#[derive(Clone, PartialEq, Eq)]
pub struct Resumption {
    /// Where the server finds us.
    pub address: SignalingAddress,
    /// Proves that the address is ours.
    pub secret: Arc<str>,
}

/// Keeps the secret out of logs.
impl Debug for Resumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resumption").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Encodes and decodes the frames of a wire. Pure except for the random initialisation vectors of encryption.
///
/// A malformed frame is an error of readable length, or messages that mean nothing, and never a panic.
/// Payloads and tokens keep their spelling, and a frame of the largest [`Part`](crate::delivery::Part) has at most
/// 60,000 bytes.
/// A message to the address of a client is decoded there with the address of its sender.
///
/// Where no server sorts what arrives, a dialect remembers what it has announced, and reads only what concerns that.
pub trait Dialect: Debug + Send + Sync {
    /// Returns the text frame of `message`.
    fn encode_signaling(&self, message: &SignalingMessage) -> Result<String, DialectError>;

    /// Returns what a text frame from the server says; one frame may say several things.
    fn decode_signaling(&self, frame: &str) -> Result<Vec<SignalingMessage>, DialectError>;

    /// Returns the data-channel frame of `message`.
    fn encode_channel(&self, message: &ChannelMessage) -> Result<ChannelFrame, DialectError>;

    /// Returns what a data-channel frame says; one frame may say several things, in this order.
    fn decode_channel(&self, frame: &ChannelFrame) -> Result<Vec<ChannelMessage>, DialectError>;

    /// Returns the label of the data channel that the publisher opens.
    fn channel_label(&self) -> &str;
}

/// A frame on the data channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelFrame {
    /// A text message (SCTP PPID 51).
    Text(String),
    /// A binary message (SCTP PPID 53).
    Binary(Vec<u8>),
}

/// A frame that cannot be read or written; names the thing and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DialectError(pub String);
