//! Moves frames between an open WebSocket and the two queues, until one side ends it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{FutureExt, SinkExt, StreamExt};
use rejoin_core::SignalingMessage;
use rejoin_core::port::{Dialect, SignalingEvent};
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::tungstenite::error::{CapacityError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};

use crate::dial::Open;

/// How long a close may take: the queued messages, our close frame, the server's.
///
/// A second is several round trips on any path worth using; a server that is slower sees the connection end.
const CLOSE_GRACE: Duration = Duration::from_secs(1);
/// RFC 6455 section 7.4.1: a close frame without a code stands for this one.
const NO_STATUS: u16 = 1005;

/// What is waiting for the socket.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// A message in our words.
    Message(SignalingMessage),
    /// A WebSocket ping.
    Ping,
}

/// The ends of the queues that the socket's task holds.
pub(crate) struct Queues {
    /// Messages to send.
    pub(crate) outgoing: mpsc::Receiver<Outgoing>,
    /// Events to tell; while it is full, nothing is read from the socket.
    pub(crate) events: mpsc::Sender<SignalingEvent>,
    /// Turns true when the socket shall be closed.
    pub(crate) closing: watch::Receiver<bool>,
}

/// How a socket ended.
#[derive(Debug)]
pub(crate) struct Ending {
    /// The close code, if a close frame came or went.
    pub(crate) code: Option<u16>,
    /// What happened, naming the server.
    pub(crate) reason: String,
    farewell: Option<CloseCode>,
}

/// Resolves when the socket shall be closed.
pub(crate) async fn asked_to_close(closing: &mut watch::Receiver<bool>) {
    // An error means that the other end is gone, so nobody wants the socket.
    let _ = closing.wait_for(|closing| *closing).await;
}

/// Moves frames until the socket ends. `server` is fit to be shown.
pub(crate) async fn pump(
    websocket: Open,
    queues: Queues,
    dialect: &Arc<dyn Dialect>,
    server: &str,
) -> Ending {
    let Queues { outgoing, events, closing } = queues;
    let (mut sink, mut stream) = websocket.split();
    let mut grace = closing.clone();
    let reader = Reader { dialect, server, events: &events, closing: &closing };
    let writer = Writer { dialect, server, events: &events, outgoing, closing: closing.clone() };
    let ending = tokio::select! {
        ending = reader.run(&mut stream) => ending,
        ending = writer.run(&mut sink) => ending,
        () = async { asked_to_close(&mut grace).await; tokio::time::sleep(CLOSE_GRACE).await } => Ending {
            code: Some(CloseCode::Normal.into()),
            reason: format!("{server} did not answer our close within {CLOSE_GRACE:?}"),
            farewell: None,
        },
    };
    if let Some(code) = ending.farewell {
        // A courtesy: whoever does not take it at once learns of the end from TCP.
        let frame = CloseFrame { code, reason: Utf8Bytes::default() };
        let _ = sink.send(Message::Close(Some(frame))).now_or_never();
    }
    ending
}

/// Turns frames into events.
struct Reader<'a> {
    dialect: &'a Arc<dyn Dialect>,
    server: &'a str,
    events: &'a mpsc::Sender<SignalingEvent>,
    closing: &'a watch::Receiver<bool>,
}

impl Reader<'_> {
    async fn run(&self, stream: &mut SplitStream<Open>) -> Ending {
        loop {
            let message = match stream.next().await {
                Some(Ok(message)) => message,
                Some(Err(error)) => return self.broken(&error),
                None => return self.broken(&Error::ConnectionClosed),
            };
            tracing::trace!(bytes = message.len(), "frame received");
            match message {
                Message::Text(text) => self.read(&text).await,
                Message::Binary(bytes) => match std::str::from_utf8(&bytes) {
                    Ok(text) => self.read(text).await,
                    Err(_) => self.tell_malformed(bytes.len()).await,
                },
                Message::Pong(_) => self.tell(SignalingEvent::Pong).await,
                // tungstenite has queued the pong, and the next read flushes it; Frame never comes from a read.
                Message::Ping(_) | Message::Frame(_) => {}
                Message::Close(frame) => {
                    // One more poll flushes the close frame that tungstenite answers with.
                    let _ = stream.next().now_or_never();
                    return self.closed(frame);
                }
            }
        }
    }

    async fn read(&self, text: &str) {
        match self.dialect.decode_signaling(text) {
            Ok(messages) => {
                for message in messages {
                    self.tell(SignalingEvent::Received(message)).await;
                }
            }
            Err(error) => self.tell(SignalingEvent::Malformed { reason: error.to_string() }).await,
        }
    }

    async fn tell_malformed(&self, length: usize) {
        let server = self.server;
        let reason =
            format!("{server} sent a binary frame of {length} bytes that is not UTF-8; it should send text");
        self.tell(SignalingEvent::Malformed { reason }).await;
    }

    async fn tell(&self, event: SignalingEvent) {
        // An error means that the socket was replaced; this task is about to be aborted.
        let _ = self.events.send(event).await;
    }

    fn closed(&self, frame: Option<CloseFrame>) -> Ending {
        let server = self.server;
        let (code, words) = match frame {
            Some(frame) => (frame.code.into(), frame.reason),
            None => (NO_STATUS, Utf8Bytes::default()),
        };
        let reason = if *self.closing.borrow() {
            format!("{server} was closed by us")
        } else if words.is_empty() {
            format!("{server} gave no reason")
        } else {
            format!("{server} says \"{}\"", words.escape_debug())
        };
        Ending { code: Some(code), reason, farewell: None }
    }

    fn broken(&self, error: &Error) -> Ending {
        if *self.closing.borrow() {
            let reason = format!("{} was closed by us", self.server);
            return Ending { code: Some(CloseCode::Normal.into()), reason, farewell: None };
        }
        broken(self.server, error)
    }
}

/// Turns queued messages into frames.
struct Writer<'a> {
    dialect: &'a Arc<dyn Dialect>,
    server: &'a str,
    events: &'a mpsc::Sender<SignalingEvent>,
    outgoing: mpsc::Receiver<Outgoing>,
    closing: watch::Receiver<bool>,
}

impl Writer<'_> {
    /// Returns only when a write fails; after our close frame the reader tells the end.
    async fn run(mut self, sink: &mut SplitSink<Open, Message>) -> Ending {
        while let Some(outgoing) = self.next().await {
            let message = match outgoing {
                Outgoing::Ping => Message::Ping(Bytes::new()),
                Outgoing::Message(message) => match self.dialect.encode_signaling(&message) {
                    Ok(text) => Message::text(text),
                    Err(error) => {
                        let malformed = SignalingEvent::Malformed { reason: error.to_string() };
                        // An error means that the socket was replaced; this task is about to be aborted.
                        let _ = self.events.send(malformed).await;
                        continue;
                    }
                },
            };
            tracing::trace!(bytes = message.len(), "frame sent");
            if let Err(error) = sink.send(message).await {
                return broken(self.server, &error);
            }
        }
        let frame = CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::default() };
        match sink.send(Message::Close(Some(frame))).await {
            Ok(()) => std::future::pending().await,
            Err(error) => broken(self.server, &error),
        }
    }

    /// Returns what to send next, or `None` when all is sent and the socket shall be closed.
    async fn next(&mut self) -> Option<Outgoing> {
        tokio::select! {
            biased;
            outgoing = self.outgoing.recv() => outgoing,
            () = asked_to_close(&mut self.closing) => None,
        }
    }
}

fn broken(server: &str, error: &Error) -> Ending {
    let (reason, farewell) = match error {
        Error::Capacity(CapacityError::MessageTooLong { size, max_size }) => (
            format!(
                "{server} sent {size} bytes in one message, and {max_size} are allowed; raise max_frame_bytes"
            ),
            Some(CloseCode::Size),
        ),
        Error::Utf8(_) => {
            (format!("{server} sent a text frame that is not UTF-8; repair it"), Some(CloseCode::Invalid))
        }
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            (format!("the connection to {server} ended without a close frame"), None)
        }
        Error::Protocol(problem) => {
            (format!("{server} broke the WebSocket protocol: {problem}"), Some(CloseCode::Protocol))
        }
        Error::Io(problem) => (format!("the connection to {server} broke: {problem}"), None),
        other => (format!("the connection to {server} failed: {other}"), None),
    };
    Ending { code: None, reason, farewell }
}
