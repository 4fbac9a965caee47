//! A small dialect and a transport that uses it.

use std::sync::Arc;
use std::time::Duration;

use rejoin_core::message::{ChannelMessage, SignalingMessage};
use rejoin_core::port::{
    ChannelFrame, Dialect, DialectError, Resumption, SignalingAction, SignalingEvent, SignalingTransport,
};
use rejoin_core::{Generation, StreamId};
use rejoin_websocket::{WebSocketOptions, WebSocketTransport};

/// Long enough for a loaded machine; only a failing test takes this long.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The first socket's generation.
pub(crate) const FIRST: Generation = Generation(1);

/// One `play <stream>` per line.
#[derive(Debug)]
pub(crate) struct Lines;

impl Dialect for Lines {
    fn encode_signaling(&self, message: &SignalingMessage) -> Result<String, DialectError> {
        match message {
            SignalingMessage::Play { stream } => Ok(format!("play {stream}")),
            other => Err(DialectError(format!("{other:?} has no line; send play"))),
        }
    }

    fn decode_signaling(&self, frame: &str) -> Result<Vec<SignalingMessage>, DialectError> {
        let line = |line: &str| match line.strip_prefix("play ") {
            Some(stream) => Ok(play(stream)),
            None => Err(DialectError(format!("\"{line}\" is not a line; send play"))),
        };
        frame.lines().map(line).collect()
    }

    fn encode_channel(&self, _: &ChannelMessage) -> Result<ChannelFrame, DialectError> {
        Err(DialectError("no channel in this test".to_owned()))
    }

    fn decode_channel(&self, _: &ChannelFrame) -> Result<Vec<ChannelMessage>, DialectError> {
        Err(DialectError("no channel in this test".to_owned()))
    }

    fn channel_label(&self) -> &str {
        "test"
    }
}

pub(crate) fn play(stream: &str) -> SignalingMessage {
    SignalingMessage::Play { stream: StreamId(stream.into()) }
}

pub(crate) fn received(stream: &str) -> SignalingEvent {
    SignalingEvent::Received(play(stream))
}

pub(crate) fn transport() -> WebSocketTransport {
    transport_with(WebSocketOptions::default())
}

pub(crate) fn transport_with(options: WebSocketOptions) -> WebSocketTransport {
    WebSocketTransport::new(Arc::new(Lines), options).unwrap()
}

/// An `Open` without resumption and with a limit that no test reaches.
pub(crate) fn open(server: &str) -> SignalingAction {
    open_within(server, TIMEOUT)
}

pub(crate) fn open_within(server: &str, limit: Duration) -> SignalingAction {
    SignalingAction::Open { server: server.into(), limit, resume: None }
}

pub(crate) fn resume(server: &str, resumption: Resumption) -> SignalingAction {
    SignalingAction::Open { server: server.into(), limit: TIMEOUT, resume: Some(resumption) }
}

/// Dials `server` as the first generation and waits until it is open.
pub(crate) async fn opened(transport: &mut WebSocketTransport, server: &str) {
    transport.perform(FIRST, open(server));
    let event = next(transport).await;
    assert_eq!(event, (FIRST, SignalingEvent::Opened { resumption: None, resumed: false }));
}

pub(crate) async fn next(transport: &mut WebSocketTransport) -> (Generation, SignalingEvent) {
    within(transport.next_event()).await
}

pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(TIMEOUT, work).await.expect("timed out")
}

/// The parts of a `Closed`.
#[derive(Debug)]
pub(crate) struct Closed {
    pub(crate) opened: bool,
    pub(crate) code: Option<u16>,
    pub(crate) status: Option<u16>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) reason: String,
}

/// Waits for the next event, which must be a `Closed`.
pub(crate) async fn closed(transport: &mut WebSocketTransport) -> Closed {
    match next(transport).await.1 {
        SignalingEvent::Closed { opened, code, status, retry_after, reason } => {
            println!("{reason}");
            Closed { opened, code, status, retry_after, reason }
        }
        other => panic!("not closed: {other:?}"),
    }
}
