//! Opened and closed sockets leak neither file descriptors nor tasks.
//!
//! This test is a process of its own, because it counts the file descriptors of the process.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a test")]

#[path = "wires/mute.rs"]
mod mute;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use rejoin_core::Generation;
use rejoin_core::port::{SignalingAction, SignalingEvent, SignalingTransport};
use rejoin_websocket::{WebSocketOptions, WebSocketTransport};
use tokio::net::TcpListener;
use tokio::runtime::Handle;

use mute::Mute;

/// Long enough for a loaded machine; only a failing test takes this long.
const TIMEOUT: Duration = Duration::from_secs(60);
const CYCLES: u32 = 200;

#[tokio::test]
async fn two_hundred_sockets_leak_nothing() {
    let server = server().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_url = format!("ws://{}/", silent.local_addr().unwrap());
    let options = WebSocketOptions::default();
    let mut transport = WebSocketTransport::new(Arc::new(Mute), options).unwrap();
    cycle(&mut transport, 0, &server, &silent_url).await;
    let before = footprint();

    for number in 1..=CYCLES {
        cycle(&mut transport, number, &server, &silent_url).await;
    }

    let settled = async {
        while exceeds(footprint(), before) {
            tokio::task::yield_now().await;
        }
    };
    let outcome = tokio::time::timeout(TIMEOUT, settled).await;
    println!("before {before:?}, after {:?}", footprint());
    outcome.expect("descriptors or tasks leaked");
}

/// Replaces a dial, replaces an open socket, and closes an open socket.
async fn cycle(transport: &mut WebSocketTransport, number: u32, server: &str, silent: &str) {
    let generation = |step: u32| Generation(number * 3 + step);
    transport.perform(generation(0), open(silent));
    tokio::task::yield_now().await;
    for step in [1, 2] {
        transport.perform(generation(step), open(server));
        let event = transport.next_event().await;
        assert_eq!(event, (generation(step), SignalingEvent::Opened { resumption: None, resumed: false }));
    }
    transport.perform(generation(2), SignalingAction::Close);
    assert!(matches!(transport.next_event().await.1, SignalingEvent::Closed { opened: true, .. }));
}

fn open(server: &str) -> SignalingAction {
    SignalingAction::Open { server: server.into(), limit: TIMEOUT, resume: None }
}

/// The number of open file descriptors and of live tasks.
fn footprint() -> (usize, usize) {
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().count();
    (descriptors, Handle::current().metrics().num_alive_tasks())
}

/// The sockets of the first cycle may still be closing when they are counted, so fewer is as good as equal.
fn exceeds(after: (usize, usize), before: (usize, usize)) -> bool {
    after.0 > before.0 || after.1 > before.1
}

/// Serves WebSockets, one task each, until their clients close.
async fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
                while let Some(Ok(_)) = socket.next().await {}
            });
        }
    });
    url
}
