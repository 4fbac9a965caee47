//! The limits of one socket, and that other sockets are unaffected when it exceeds them.

use serde_json::json;

use crate::client::{Client, Seeded, limited, serve};
use rejoin_signaling_server::{Limits, Options};

#[tokio::test]
async fn a_flood_closes_its_source_and_no_other_socket() {
    let server = serve(Options::default()).await;
    let mut ann = Client::connect(server.local_addr()).await;
    let mut bob = Client::connect(server.local_addr()).await;
    ann.seed("a").await;
    bob.send(json!({"request": "play", "streamID": "a"})).await;
    let bob_uuid = ann.receive().await["UUID"].clone();
    let addr = server.local_addr();
    let flood = tokio::spawn(async move {
        let mut noisy = Client::connect(addr).await;
        while noisy.try_send(r#"{"request":"ping"}"#).await {}
    });
    for number in 0..100 {
        ann.send(json!({"UUID": bob_uuid, "number": number})).await;
        assert_eq!(bob.receive().await["number"], number);
    }
    flood.await.unwrap();
    ann.settle().await;
}

#[tokio::test]
async fn a_flood_is_closed_with_1008() {
    let server = serve(Options::default()).await;
    let mut noisy = Client::connect(server.local_addr()).await;
    for _ in 0..2 * Limits::default().burst_frames {
        noisy.send(json!({"request": "ping"})).await;
    }
    assert_eq!(noisy.closed().await, (1008, "more than 200 frames per second; slow down".to_owned()));
}

#[tokio::test]
async fn a_frame_above_the_limit_is_closed_with_1009() {
    let server = serve(Options::default()).await;
    let mut giant = Client::connect(server.local_addr()).await;
    giant.try_send(&"x".repeat(Limits::default().frame_bytes + 1)).await;
    let expected = "frame is larger than 262144 bytes; send smaller frames".to_owned();
    assert_eq!(giant.closed().await, (1009, expected));
}

#[tokio::test]
async fn malformed_frames_are_answered_before_the_socket_is_closed() {
    let server = serve(limited(Limits { malformed_in_a_row: 3, ..Limits::default() })).await;
    let mut client = Client::connect(server.local_addr()).await;
    client.send_text("{\"request\":").await;
    assert!(client.receive().await["message"].as_str().unwrap().contains("JSON"));
    client.send_binary(b"{}").await;
    assert!(client.receive().await["message"].as_str().unwrap().contains("binary"));
    client.settle().await;
    for _ in 0..3 {
        client.send_text("nonsense").await;
    }
    let (code, reason) = client.closed().await;
    assert!(code == 1007 && reason.starts_with("3 unreadable frames"), "{code} {reason}");
}

#[tokio::test]
async fn a_socket_that_does_not_read_is_dropped_and_its_stream_id_is_free() {
    let limits =
        Limits { queue_frames: 4, frames_per_second: 100_000, burst_frames: 100_000, ..Limits::default() };
    let server = serve(limited(limits)).await;
    let mut lazy = Client::connect(server.local_addr()).await;
    let mut eager = Client::connect(server.local_addr()).await;
    eager.seed("e").await;
    lazy.seed("cam").await;
    lazy.send(json!({"request": "play", "streamID": "e"})).await;
    let lazy_uuid = eager.receive().await["UUID"].clone();
    let load = json!({"UUID": lazy_uuid, "load": "x".repeat(200_000)}).to_string();
    // The kernel holds some megabytes before the server's own queue fills.
    let mut next = Client::connect(server.local_addr()).await;
    while next.seed("cam").await == Seeded::InUse {
        eager.send_text(&load).await;
    }
    eager.settle().await;
}
