//! One socket task over a pipe, in stopped time.

use std::future::ready;

use tokio::io::{DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::sleep_until;
use tokio_tungstenite::client_async;

use super::*;
use crate::hub::Hub;

struct Peer {
    socket: WebSocketStream<DuplexStream>,
    task: JoinHandle<()>,
    /// Keeps the server from closing.
    _closing: watch::Sender<bool>,
}

async fn connect(exchange: &Arc<Hub>, pipe_bytes: usize) -> Peer {
    let (ours, theirs) = duplex(pipe_bytes);
    let (closing, closed) = watch::channel(false);
    let task = tokio::spawn(serve_connection(ready(Ok(theirs)), Arc::clone(exchange), closed, ()));
    let (socket, _) = client_async("ws://pipe/", ours).await.unwrap();
    Peer { socket, task, _closing: closing }
}

/// Whether a fresh client can claim the stream id.
async fn is_free(exchange: &Arc<Hub>, stream: &str) -> bool {
    let mut peer = connect(exchange, 4096).await;
    let seed = format!(r#"{{"request":"seed","streamID":"{stream}"}}"#);
    peer.socket.send(Message::text(seed)).await.unwrap();
    peer.socket.send(Message::text(r#"{"request":"done?"}"#)).await.unwrap();
    let answer = peer.socket.next().await.unwrap().unwrap().into_text().unwrap();
    !answer.contains("already in use")
}

async fn seed(peer: &mut Peer, stream: &str) {
    let seed = format!(r#"{{"request":"seed","streamID":"{stream}"}}"#);
    peer.socket.send(Message::text(seed)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn ten_seconds_of_silence_free_the_stream_id() {
    let exchange = Arc::new(Hub::new(Options::default()));
    let mut silent = connect(&exchange, 4096).await;
    seed(&mut silent, "cam").await;
    let since = Instant::now();
    sleep_until(since + Duration::from_millis(9_990)).await; // stopped clock
    assert!(!is_free(&exchange, "cam").await);
    sleep_until(since + Duration::from_millis(10_010)).await; // stopped clock
    assert!(is_free(&exchange, "cam").await);
}

#[tokio::test(start_paused = true)]
async fn a_silent_socket_is_gone_a_second_later() {
    let exchange = Arc::new(Hub::new(Options::default()));
    let silent = connect(&exchange, 4096).await;
    let since = Instant::now();
    silent.task.await.unwrap();
    assert!(since.elapsed() <= Options::SILENCE_TIMEOUT + PARTING + Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn pings_come_every_three_seconds() {
    let exchange = Arc::new(Hub::new(Options::default()));
    let mut peer = connect(&exchange, 4096).await;
    let since = Instant::now();
    for number in 1..=20 {
        assert!(matches!(peer.socket.next().await, Some(Ok(Message::Ping(_)))));
        let due = Options::PING_INTERVAL * number;
        assert!(since.elapsed() >= due && since.elapsed() < due + Duration::from_millis(50));
        // The answer is written with the next read or write.
        peer.socket.flush().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_asks_is_dropped() {
    let exchange = Arc::new(Hub::new(Options::default()));
    let (_ours, theirs) = duplex(64);
    let (_closing, closed) = watch::channel(false);
    let since = Instant::now();
    serve_connection(ready(Ok(theirs)), exchange, closed, ()).await;
    assert!(since.elapsed() <= Options::UPGRADE_TIMEOUT + Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_an_unfinished_upgrade_at_once() {
    let exchange = Arc::new(Hub::new(Options::default()));
    let (_ours, theirs) = duplex(64);
    let (closing, closed) = watch::channel(false);
    let since = Instant::now();
    let task = tokio::spawn(serve_connection(ready(Ok(theirs)), exchange, closed, ()));
    closing.send_replace(true);
    task.await.unwrap();
    assert!(since.elapsed() < Duration::from_millis(10));
}
