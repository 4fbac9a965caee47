//! One socket task over a pipe, with a paused clock.

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
    /// Dropping it would shut the server down.
    _closing: watch::Sender<bool>,
}

async fn connect(hub: &Arc<Hub>, pipe_bytes: usize) -> Peer {
    let (ours, theirs) = duplex(pipe_bytes);
    let (closing, closed) = watch::channel(false);
    let task = tokio::spawn(serve_connection(ready(Ok(theirs)), Arc::clone(hub), closed, ()));
    let (socket, _) = client_async("ws://pipe/", ours).await.unwrap();
    Peer { socket, task, _closing: closing }
}

/// Whether a new client can claim the stream id.
async fn is_free(hub: &Arc<Hub>, stream: &str) -> bool {
    let mut peer = connect(hub, 4096).await;
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
    let hub = Arc::new(Hub::new(Options::default()));
    let mut silent = connect(&hub, 4096).await;
    seed(&mut silent, "cam").await;
    let since = Instant::now();
    sleep_until(since + Duration::from_millis(9_990)).await; // paused clock
    assert!(!is_free(&hub, "cam").await);
    sleep_until(since + Duration::from_millis(10_010)).await; // paused clock
    assert!(is_free(&hub, "cam").await);
}

#[tokio::test(start_paused = true)]
async fn a_silent_socket_is_dropped_one_second_later() {
    let hub = Arc::new(Hub::new(Options::default()));
    let silent = connect(&hub, 4096).await;
    let since = Instant::now();
    silent.task.await.unwrap();
    assert!(
        since.elapsed() <= Options::default().silence_timeout + CLOSE_TIMEOUT + Duration::from_millis(10)
    );
}

#[tokio::test(start_paused = true)]
async fn pings_are_sent_every_three_seconds() {
    let hub = Arc::new(Hub::new(Options::default()));
    let mut peer = connect(&hub, 4096).await;
    let since = Instant::now();
    for number in 1..=20 {
        assert!(matches!(peer.socket.next().await, Some(Ok(Message::Ping(_)))));
        let due = Options::default().ping_interval * number;
        assert!(since.elapsed() >= due && since.elapsed() < due + Duration::from_millis(50));
        // The answer is written with the next read or write.
        peer.socket.flush().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_without_a_request_is_dropped() {
    let hub = Arc::new(Hub::new(Options::default()));
    let (_ours, theirs) = duplex(64);
    let (_closing, closed) = watch::channel(false);
    let since = Instant::now();
    serve_connection(ready(Ok(theirs)), hub, closed, ()).await;
    assert!(since.elapsed() <= Options::default().upgrade_timeout + Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_an_unfinished_upgrade_at_once() {
    let hub = Arc::new(Hub::new(Options::default()));
    let (_ours, theirs) = duplex(64);
    let (closing, closed) = watch::channel(false);
    let since = Instant::now();
    let task = tokio::spawn(serve_connection(ready(Ok(theirs)), hub, closed, ()));
    closing.send_replace(true);
    task.await.unwrap();
    assert!(since.elapsed() < Duration::from_millis(10));
}
