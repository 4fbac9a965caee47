//! Conversations between well-behaved clients.

use serde_json::json;

use crate::client::{Client, Seeded, serve};
use rejoin_signaling_server::Options;

#[tokio::test]
async fn an_offer_and_its_answer_are_forwarded() {
    let server = serve(Options::default()).await;
    let mut publisher = Client::connect(server.local_addr()).await;
    let mut viewer = Client::connect(server.local_addr()).await;
    assert_eq!(publisher.seed("cam").await, Seeded::Claimed);
    viewer.send(json!({"request": "play", "streamID": "cam"})).await;
    let request = publisher.receive().await;
    assert_eq!(request["request"], "offerSDP");
    let offer = format!(r#"{{"z":1.50,"UUID":{},"description":"6f"}}"#, request["UUID"]);
    publisher.send_text(&offer).await;
    let received = viewer.receive().await;
    viewer.send(json!({"UUID": received["UUID"], "description": "61"})).await;
    assert_eq!(publisher.receive().await, json!({"UUID": request["UUID"], "description": "61"}));
    assert_ne!(received["UUID"], request["UUID"]);
}

#[tokio::test]
async fn a_forwarded_frame_keeps_its_notation() {
    let server = serve(Options::default()).await;
    let mut publisher = Client::connect(server.local_addr()).await;
    let mut viewer = Client::connect(server.local_addr()).await;
    publisher.seed("cam").await;
    viewer.send(json!({"request": "play", "streamID": "cam"})).await;
    let viewer_uuid = publisher.receive().await["UUID"].as_str().unwrap().to_owned();
    publisher.send_text(&format!(r#"{{"z":1.50, "UUID":"{viewer_uuid}","a":1e400}}"#)).await;
    let received = viewer.receive_text().await;
    assert!(
        received.starts_with(r#"{"z":1.50, "UUID":""#) && received.ends_with(r#"","a":1e400}"#),
        "{received}"
    );
}

#[tokio::test]
async fn an_early_play_is_served_when_its_stream_is_seeded() {
    let server = serve(Options::default()).await;
    let mut viewer = Client::connect(server.local_addr()).await;
    viewer.send(json!({"request": "play", "streamID": "cam"})).await;
    viewer.settle().await;
    let mut publisher = Client::connect(server.local_addr()).await;
    publisher.send(json!({"request": "seed", "streamID": "cam"})).await;
    assert_eq!(publisher.receive().await["request"], "offerSDP");
}

#[tokio::test]
async fn a_room_lists_its_members() {
    let server = serve(Options::default()).await;
    let mut ann = Client::connect(server.local_addr()).await;
    let mut bob = Client::connect(server.local_addr()).await;
    ann.send(json!({"request": "joinroom", "roomid": "Studio"})).await;
    assert_eq!(ann.receive().await, json!({"request": "listing", "list": []}));
    ann.seed("a").await;
    bob.send(json!({"request": "joinroom", "roomid": "studio"})).await;
    let listing = bob.receive().await;
    assert_eq!(listing["list"][0]["streamID"], "a");
    assert_eq!(ann.receive().await["request"], "someonejoined");
}

#[tokio::test]
async fn a_taken_stream_id_is_refused_until_its_owner_leaves() {
    let server = serve(Options::default()).await;
    let mut owner = Client::connect(server.local_addr()).await;
    let mut next = Client::connect(server.local_addr()).await;
    assert_eq!(owner.seed("cam").await, Seeded::Claimed);
    assert_eq!(next.seed("cam").await, Seeded::InUse);
    drop(owner);
    while next.seed("cam").await == Seeded::InUse {}
}

#[tokio::test]
async fn a_client_without_the_version_header_gets_no_rejoin_headers() {
    let server = serve(Options::default()).await;
    let client = Client::connect(server.local_addr()).await;
    assert!(client.headers.keys().all(|name| !name.as_str().starts_with("rejoin")), "{:?}", client.headers);
}
