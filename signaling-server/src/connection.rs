//! One task per socket: HTTP upgrade, reading and writing, close handshake.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::select;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use tracing::debug;

use crate::close_reason::CloseReason;
use crate::frame::Malformed;
use crate::hub::{ConnectionGuard, Hub, OutboundQueue};
use crate::metrics;
use crate::options::{Limits, Options};
use crate::token_bucket::TokenBucket;
use crate::upgrade::{HttpRejection, UpgradeRequest};

/// How long a client may take to read the close frame; its stream id is free already.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// An offer has a few kilobytes; 128 KiB per idle socket, the library's default, would waste half a gigabyte.
const READ_BUFFER: usize = 8 * 1024;

/// Serves one connection from its first byte to its last; `upgrade_slot` is dropped when the upgrade is over.
///
/// `opening` is the part before HTTP, such as TLS, and shares the time limit of the upgrade.
pub(crate) async fn serve_connection<S, G>(
    opening: impl Future<Output = io::Result<S>>,
    hub: Arc<Hub>,
    mut closing: watch::Receiver<bool>,
    upgrade_slot: G,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let options = hub.options;
    let upgraded = select! {
        upgraded = timeout(options.upgrade_timeout, upgrade(opening, &hub)) => upgraded,
        _ = closing.wait_for(|closing| *closing) => return,
    };
    drop(upgrade_slot);
    let (stream, guard, queue, leftover) = match upgraded {
        Ok(Ok(Ok(upgraded))) => upgraded,
        Ok(Ok(Err((mut stream, rejection)))) => return reject(&mut stream, rejection).await,
        Ok(Err(error)) => return debug!(%error, "connection lost during the upgrade"),
        Err(_) => return debug!("connection took too long for the upgrade"),
    };
    let config = websocket_config(&options.limits);
    let socket = WebSocketStream::from_partially_read(stream, leftover, Role::Server, Some(config)).await;
    let (mut sink, mut source) = socket.split();
    let close_reason = exchange((&mut sink, &mut source), queue, &guard, (options, closing)).await;
    // The stream id must be free before the close handshake, in which a dead peer never answers.
    drop(guard);
    metrics::count_close(close_reason.as_ref());
    debug!(?close_reason, "socket closed");
    if let Ok(socket) = sink.reunite(source) {
        close_websocket(socket, close_reason).await;
    }
}

type Upgraded<S> = (S, ConnectionGuard, OutboundQueue, Vec<u8>);

/// Answers the HTTP request and admits the connection.
async fn upgrade<S>(
    opening: impl Future<Output = io::Result<S>>,
    hub: &Arc<Hub>,
) -> io::Result<Result<Upgraded<S>, (S, HttpRejection)>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = opening.await?;
    let mut request = match UpgradeRequest::read(&mut stream).await? {
        Ok(request) => request,
        Err(rejection) => return Ok(Err((stream, rejection))),
    };
    let leftover = std::mem::take(&mut request.leftover);
    let (guard, queue, admission) = match hub.open(request.resume) {
        Ok(opened) => opened,
        Err(rejection) => return Ok(Err((stream, rejection.into()))),
    };
    stream.write_all(&request.accept(&admission)?).await?;
    stream.flush().await?;
    Ok(Ok((stream, guard, queue, leftover)))
}

/// Answers an HTTP request that gets no WebSocket.
pub(crate) async fn reject<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, rejection: HttpRejection) {
    metrics::count_rejection(rejection.status());
    debug!(status = rejection.status(), "request rejected");
    let response = async {
        stream.write_all(&rejection.response()).await?;
        drain(stream).await
    };
    // A client that does not read the answer is dropped.
    let _ = timeout(CLOSE_TIMEOUT, response).await;
}

/// Reads and writes until the socket is closed; `None` means that the client or its network closed it.
async fn exchange<S>(
    (sink, source): (&mut SplitSink<WebSocketStream<S>, Message>, &mut SplitStream<WebSocketStream<S>>),
    mut queue: OutboundQueue,
    guard: &ConnectionGuard,
    (options, mut closing): (Options, watch::Receiver<bool>),
) -> Option<CloseReason>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let OutboundQueue { frames, queued_bytes, close } = &mut queue;
    let write = async {
        let first = Instant::now() + options.ping_interval;
        let mut pings = interval_at(first, options.ping_interval);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            select! {
                Some(text) = frames.recv() => {
                    let bytes = text.len();
                    sink.send(Message::text(text)).await?;
                    queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
                }
                _ = pings.tick() => sink.send(Message::Ping(Bytes::new())).await?,
            }
        }
    };
    // The reasons are polled first, because they would be lost if the closed queue were seen before.
    select! {
        biased;
        Ok(reason) = close => Some(reason),
        _ = closing.wait_for(|closing| *closing) => Some(CloseReason::Shutdown),
        end = read(source, guard, &options) => end,
        end = write => {
            let _: Result<Infallible, Error> = end;
            None
        }
    }
}

/// Passes frames to the hub until the client closes, exceeds a limit or is silent for too long.
async fn read<S>(
    source: &mut SplitStream<WebSocketStream<S>>,
    guard: &ConnectionGuard,
    options: &Options,
) -> Option<CloseReason>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let limits = &options.limits;
    let now = || Instant::now().into_std();
    let mut bucket = TokenBucket::full(limits.frames_per_second, limits.burst_frames, now());
    loop {
        let message = match timeout(options.silence_timeout, source.next()).await {
            Ok(Some(Ok(message))) => message,
            Ok(Some(Err(error))) => return close_reason_for(&error, limits),
            Ok(None) => return None,
            Err(_) => return Some(CloseReason::Silent(options.silence_timeout)),
        };
        if !bucket.take(now()) {
            return Some(CloseReason::Flood(limits.frames_per_second));
        }
        match message {
            Message::Text(text) => guard.receive(Ok(&text)),
            Message::Binary(_) => guard.receive(Err(Malformed::Binary)),
            // The library answers pings, and any frame resets the silence timeout.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            Message::Close(_) => return None,
        }
    }
}

/// Returns the close reason for an unreadable socket; `None` if the connection is lost.
fn close_reason_for(error: &Error, limits: &Limits) -> Option<CloseReason> {
    match error {
        Error::Capacity(_) => Some(CloseReason::FrameTooBig(limits.frame_bytes)),
        Error::Utf8(_) => Some(CloseReason::NotUtf8),
        Error::Protocol(_) => Some(CloseReason::Protocol),
        _ => None,
    }
}

/// Closes the WebSocket, then the connection.
async fn close_websocket<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: WebSocketStream<S>,
    close_reason: Option<CloseReason>,
) {
    let close = async {
        // This also answers a close frame of the client.
        let _ = socket.close(close_reason.map(|reason| reason.close_frame())).await;
        drain(socket.get_mut()).await
    };
    let _ = timeout(CLOSE_TIMEOUT, close).await;
}

/// Closes our direction and discards what still arrives: closing with unread bytes would reset the connection, and
/// the client would lose our last bytes.
async fn drain<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> io::Result<()> {
    stream.shutdown().await?;
    let mut discarded = [0; 4096];
    while stream.read(&mut discarded).await? > 0 {}
    Ok(())
}

fn websocket_config(limits: &Limits) -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(limits.frame_bytes))
        .max_frame_size(Some(limits.frame_bytes))
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
}

#[cfg(test)]
mod tests;
