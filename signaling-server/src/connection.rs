//! One task per socket: upgrade, listen and speak at the same time, part politely.

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

/// How long a closed socket may take to read why; its stream id is free already.
const PARTING: Duration = Duration::from_secs(1);
/// Offers are a few kilobytes; the library's default of 128 KiB per idle socket would waste half a gigabyte.
const READ_BUFFER: usize = 8 * 1024;

/// Serves one connection from its first byte to its last; `guest` is dropped when the upgrade is over.
///
/// `opening` is whatever comes before HTTP, and shares its limit.
pub(crate) async fn serve_connection<S, G>(
    opening: impl Future<Output = io::Result<S>>,
    exchange: Arc<Hub>,
    mut closing: watch::Receiver<bool>,
    guest: G,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let options = exchange.options;
    let welcomed = select! {
        welcomed = timeout(options.upgrade_timeout, welcome(opening, &exchange)) => welcomed,
        _ = closing.wait_for(|closing| *closing) => return,
    };
    drop(guest);
    let (stream, seat, mailbox, leftover) = match welcomed {
        Ok(Ok(Ok(welcomed))) => welcomed,
        Ok(Ok(Err((mut stream, rejection)))) => return reject(&mut stream, rejection).await,
        Ok(Err(error)) => return debug!(%error, "connection lost during the upgrade"),
        Err(_) => return debug!("connection took too long for the upgrade"),
    };
    let config = websocket_config(&options.limits);
    let socket = WebSocketStream::from_partially_read(stream, leftover, Role::Server, Some(config)).await;
    let (mut sink, mut source) = socket.split();
    let close_reason = converse((&mut sink, &mut source), mailbox, &seat, (options, closing)).await;
    // Free before the goodbye: whoever comes next must not wait for a dead peer's answer.
    drop(seat);
    metrics::count_close(close_reason.as_ref());
    debug!(?close_reason, "socket closed");
    if let Ok(socket) = sink.reunite(source) {
        part(socket, close_reason).await;
    }
}

type Welcome<S> = (S, ConnectionGuard, OutboundQueue, Vec<u8>);

/// Answers the HTTP request.
async fn welcome<S>(
    opening: impl Future<Output = io::Result<S>>,
    exchange: &Arc<Hub>,
) -> io::Result<Result<Welcome<S>, (S, HttpRejection)>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = opening.await?;
    let mut call = match UpgradeRequest::read(&mut stream).await? {
        Ok(call) => call,
        Err(rejection) => return Ok(Err((stream, rejection))),
    };
    let leftover = std::mem::take(&mut call.leftover);
    let (seat, mailbox, admission) = match exchange.open(call.wish) {
        Ok(opened) => opened,
        Err(rejection) => return Ok(Err((stream, rejection))),
    };
    stream.write_all(&call.accept(&admission)?).await?;
    stream.flush().await?;
    Ok(Ok((stream, seat, mailbox, leftover)))
}

/// Answers that there is no WebSocket, and why.
pub(crate) async fn reject<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, rejection: HttpRejection) {
    metrics::count_refusal(rejection.status());
    debug!(status = rejection.status(), "request refused");
    let polite = async {
        stream.write_all(&rejection.response()).await?;
        hang_up(stream).await
    };
    // A client that does not read the remedy cannot be helped.
    let _ = timeout(PARTING, polite).await;
}

/// Runs a socket until somebody ends it; `None` means that the client or its network did.
async fn converse<S>(
    (sink, source): (&mut SplitSink<WebSocketStream<S>, Message>, &mut SplitStream<WebSocketStream<S>>),
    mut mailbox: OutboundQueue,
    seat: &ConnectionGuard,
    (options, mut closing): (Options, watch::Receiver<bool>),
) -> Option<CloseReason>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let OutboundQueue { frames, queued, close_reason } = &mut mailbox;
    let speak = async {
        let first = Instant::now() + options.ping_interval;
        let mut pings = interval_at(first, options.ping_interval);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            select! {
                Some(text) = frames.recv() => {
                    let bytes = text.len();
                    sink.send(Message::text(text)).await?;
                    queued.fetch_sub(bytes, Ordering::Relaxed);
                }
                _ = pings.tick() => sink.send(Message::Ping(Bytes::new())).await?,
            }
        }
    };
    // The notices come first: they are rare, and the reason is lost if the closed queue is seen before.
    select! {
        biased;
        Ok(close_reason) = close_reason => Some(close_reason),
        _ = closing.wait_for(|closing| *closing) => Some(CloseReason::Shutdown),
        end = listen(source, seat, &options) => end,
        end = speak => {
            let _: Result<Infallible, Error> = end;
            None
        }
    }
}

/// Hands on what a socket sends, until it ends, misbehaves or falls silent.
async fn listen<S>(
    source: &mut SplitStream<WebSocketStream<S>>,
    seat: &ConnectionGuard,
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
            Ok(Some(Err(error))) => return blame(&error, limits),
            Ok(None) => return None,
            Err(_) => return Some(CloseReason::Silent(options.silence_timeout)),
        };
        if !bucket.take(now()) {
            return Some(CloseReason::Flood(limits.frames_per_second));
        }
        match message {
            Message::Text(text) => seat.receive(&text),
            Message::Binary(_) => seat.refuse(&Malformed::Binary),
            // The library answers pings; pongs have done their work by coming.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            Message::Close(_) => return None,
        }
    }
}

/// Decides what to tell a socket whose bytes could not be read; nothing if it is gone.
fn blame(error: &Error, limits: &Limits) -> Option<CloseReason> {
    match error {
        Error::Capacity(_) => Some(CloseReason::FrameTooBig(limits.frame_bytes)),
        Error::Utf8(_) => Some(CloseReason::NotUtf8),
        Error::Protocol(_) => Some(CloseReason::Protocol),
        _ => None,
    }
}

/// Closes the WebSocket, then the connection.
async fn part<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: WebSocketStream<S>,
    close_reason: Option<CloseReason>,
) {
    let polite = async {
        // An answer to the client's own close frame goes out here as well.
        let _ = socket.close(close_reason.map(|close_reason| close_reason.close_frame())).await;
        hang_up(socket.get_mut()).await
    };
    let _ = timeout(PARTING, polite).await;
}

/// Ends our direction and discards what still comes: closing with unread bytes would reset the
/// connection, and the client would not see the last thing that we wrote.
async fn hang_up<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> io::Result<()> {
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
