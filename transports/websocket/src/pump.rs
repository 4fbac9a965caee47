//! Moves frames between an open WebSocket and the two queues until one side closes it.

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

use crate::dial::OpenWebSocket;

/// How long a close may take: the queued messages, our close frame, and the server's.
///
/// A second is several round trips on any usable path; for a slower server the connection just ends.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// The code of a close frame without a code (RFC 6455 section 7.4.1).
const NO_STATUS: u16 = 1005;

/// An item in the queue of outgoing frames.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// A message that the dialect encodes.
    Message(SignalingMessage),
    /// A WebSocket ping.
    Ping,
}

/// The ends of the queues that the socket's task holds.
pub(crate) struct Queues {
    /// Messages to send.
    pub(crate) outgoing: mpsc::Receiver<Outgoing>,
    /// Events for the application; while it is full, reading pauses.
    pub(crate) events: mpsc::Sender<SignalingEvent>,
    /// Becomes true when the application closes the socket.
    pub(crate) closing: watch::Receiver<bool>,
}

/// The end of a socket.
#[derive(Debug)]
pub(crate) struct Ending {
    /// The close code, if a close frame was received or sent.
    pub(crate) code: Option<u16>,
    /// The reason, with the server's URL.
    pub(crate) reason: String,
    close_code: Option<CloseCode>,
}

/// Completes when the application closes the socket.
pub(crate) async fn close_requested(closing: &mut watch::Receiver<bool>) {
    // An error means that the handle of the socket was dropped.
    let _ = closing.wait_for(|closing| *closing).await;
}

/// Moves frames until the socket ends; `server` is the redacted URL.
pub(crate) async fn pump(
    websocket: OpenWebSocket,
    queues: Queues,
    dialect: &Arc<dyn Dialect>,
    server: &str,
) -> Ending {
    let Queues { outgoing, events, closing } = queues;
    let (mut sink, mut stream) = websocket.split();
    let mut close = closing.clone();
    let reader = Reader { dialect, server, events: &events, closing: &closing };
    let writer = Writer { dialect, server, events: &events, outgoing, closing: closing.clone() };
    let ending = tokio::select! {
        ending = reader.run(&mut stream) => ending,
        ending = writer.run(&mut sink) => ending,
        () = async { close_requested(&mut close).await; tokio::time::sleep(CLOSE_TIMEOUT).await } => Ending {
            code: Some(CloseCode::Normal.into()),
            reason: format!("{server} did not answer our close frame within {CLOSE_TIMEOUT:?}"),
            close_code: None,
        },
    };
    if let Some(code) = ending.close_code {
        // Best effort: if the frame cannot be written at once, the server only sees TCP end.
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
    async fn run(&self, stream: &mut SplitStream<OpenWebSocket>) -> Ending {
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
                    Err(_) => self.emit_malformed(bytes.len()).await,
                },
                Message::Pong(_) => self.emit(SignalingEvent::Pong).await,
                // tungstenite has queued the pong, and the next read flushes it; reads never return a Frame.
                Message::Ping(_) | Message::Frame(_) => {}
                Message::Close(frame) => {
                    // One more poll flushes tungstenite's answer.
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
                    self.emit(SignalingEvent::Received(message)).await;
                }
            }
            Err(error) => self.emit(SignalingEvent::Malformed { reason: error.to_string() }).await,
        }
    }

    async fn emit_malformed(&self, length: usize) {
        let server = self.server;
        let reason =
            format!("{server} sent a binary frame of {length} bytes that is not UTF-8; it should send text");
        self.emit(SignalingEvent::Malformed { reason }).await;
    }

    async fn emit(&self, event: SignalingEvent) {
        // An error means that the socket was replaced and this task is about to be aborted.
        let _ = self.events.send(event).await;
    }

    fn closed(&self, frame: Option<CloseFrame>) -> Ending {
        let server = self.server;
        let (code, text) = match frame {
            Some(frame) => (frame.code.into(), frame.reason),
            None => (NO_STATUS, Utf8Bytes::default()),
        };
        let reason = if *self.closing.borrow() {
            format!("we closed the socket to {server}")
        } else if text.is_empty() {
            format!("{server} closed the socket without a reason")
        } else {
            format!("{server} closed the socket: \"{}\"", text.escape_debug())
        };
        Ending { code: Some(code), reason, close_code: None }
    }

    fn broken(&self, error: &Error) -> Ending {
        if *self.closing.borrow() {
            let reason = format!("we closed the socket to {}", self.server);
            return Ending { code: Some(CloseCode::Normal.into()), reason, close_code: None };
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
    /// Returns only when a write fails; after our close frame the reader returns the end.
    async fn run(mut self, sink: &mut SplitSink<OpenWebSocket, Message>) -> Ending {
        while let Some(outgoing) = self.next().await {
            let message = match outgoing {
                Outgoing::Ping => Message::Ping(Bytes::new()),
                Outgoing::Message(message) => match self.dialect.encode_signaling(&message) {
                    Ok(text) => Message::text(text),
                    Err(error) => {
                        let malformed = SignalingEvent::Malformed { reason: error.to_string() };
                        // An error means that the socket was replaced and this task is about to be aborted.
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

    /// Returns the next item, or `None` when the queue is empty and the application closes the socket.
    async fn next(&mut self) -> Option<Outgoing> {
        tokio::select! {
            biased;
            outgoing = self.outgoing.recv() => outgoing,
            () = close_requested(&mut self.closing) => None,
        }
    }
}

fn broken(server: &str, error: &Error) -> Ending {
    let (reason, close_code) = match error {
        Error::Capacity(CapacityError::MessageTooLong { size, max_size }) => (
            format!(
                "{server} sent a message of {size} bytes, and the limit is {max_size}; raise max_frame_bytes"
            ),
            Some(CloseCode::Size),
        ),
        Error::Utf8(_) => (
            format!("{server} sent a text frame that is not UTF-8; repair the server"),
            Some(CloseCode::Invalid),
        ),
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            (format!("the connection to {server} ended without a close frame"), None)
        }
        Error::Protocol(problem) => {
            (format!("{server} violated the WebSocket protocol: {problem}"), Some(CloseCode::Protocol))
        }
        Error::Io(problem) => (format!("the connection to {server} was lost: {problem}"), None),
        other => (format!("the connection to {server} failed: {other}"), None),
    };
    Ending { code: None, reason, close_code }
}
