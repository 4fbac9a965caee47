//! What one socket may not do, and that the others do not suffer from it.

use serde_json::json;

use crate::client::{Client, Seeded, limited, serve};
use rejoin_signaling_server::{Limits, Options};

#[tokio::test]
async fn a_flood_ends_its_source_while_others_go_on() {
    let server = serve(Options::default()).await;
    let mut ann = Client::connect(server.local_addr()).await;
    let mut bob = Client::connect(server.local_addr()).await;
    ann.seed("a").await;
    bob.say(json!({"request": "play", "streamID": "a"})).await;
    let bob_uuid = ann.hear().await["UUID"].clone();
    let addr = server.local_addr();
    let flood = tokio::spawn(async move {
        let mut noisy = Client::connect(addr).await;
        while noisy.push(r#"{"request":"ping"}"#).await {}
    });
    for number in 0..100 {
        ann.say(json!({"UUID": bob_uuid, "number": number})).await;
        assert_eq!(bob.hear().await["number"], number);
    }
    flood.await.unwrap();
    ann.settle().await;
}

#[tokio::test]
async fn a_flood_is_told_to_slow_down() {
    let server = serve(Options::default()).await;
    let mut noisy = Client::connect(server.local_addr()).await;
    for _ in 0..2 * Limits::BURST_FRAMES {
        noisy.say(json!({"request": "ping"})).await;
    }
    assert_eq!(noisy.end().await, (1008, "more than 200 frames per second; slow down".to_owned()));
}

#[tokio::test]
async fn a_giant_frame_is_refused_with_its_limit() {
    let server = serve(Options::default()).await;
    let mut giant = Client::connect(server.local_addr()).await;
    giant.push(&"x".repeat(Limits::FRAME_BYTES + 1)).await;
    let expected = "frame is larger than 262144 bytes; send smaller frames".to_owned();
    assert_eq!(giant.end().await, (1009, expected));
}

#[tokio::test]
async fn malformed_frames_are_explained_before_the_door_closes() {
    let server = serve(limited(Limits { malformed_in_a_row: 3, ..Limits::default() })).await;
    let mut client = Client::connect(server.local_addr()).await;
    client.say_text("{\"request\":").await;
    assert!(client.hear().await["message"].as_str().unwrap().contains("JSON"));
    client.say_binary(b"{}").await;
    assert!(client.hear().await["message"].as_str().unwrap().contains("binary"));
    client.settle().await;
    for _ in 0..3 {
        client.say_text("nonsense").await;
    }
    let (code, reason) = client.end().await;
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
    lazy.say(json!({"request": "play", "streamID": "e"})).await;
    let lazy_uuid = eager.hear().await["UUID"].clone();
    let load = json!({"UUID": lazy_uuid, "load": "x".repeat(200_000)}).to_string();
    // The kernel holds some megabytes before the server's own queue fills.
    let mut next = Client::connect(server.local_addr()).await;
    while next.seed("cam").await == Seeded::InUse {
        eager.say_text(&load).await;
    }
    eager.settle().await;
}
