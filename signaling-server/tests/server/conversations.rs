//! What well-behaved clients say to one another.

use serde_json::json;

use crate::client::{Client, Seeded, serve};
use rejoin_signaling_server::Options;

#[tokio::test]
async fn an_offer_and_its_answer_are_relayed() {
    let server = serve(Options::default()).await;
    let mut publisher = Client::connect(server.local_addr()).await;
    let mut viewer = Client::connect(server.local_addr()).await;
    assert_eq!(publisher.seed("cam").await, Seeded::Claimed);
    viewer.say(json!({"request": "play", "streamID": "cam"})).await;
    let call = publisher.hear().await;
    assert_eq!(call["request"], "offerSDP");
    let offer = format!(r#"{{"z":1.50,"UUID":{},"description":"6f"}}"#, call["UUID"]);
    publisher.say_text(&offer).await;
    let heard = viewer.hear().await;
    viewer.say(json!({"UUID": heard["UUID"], "description": "61"})).await;
    assert_eq!(publisher.hear().await, json!({"UUID": call["UUID"], "description": "61"}));
    assert_ne!(heard["UUID"], call["UUID"]);
}

#[tokio::test]
async fn a_relayed_frame_keeps_its_spelling() {
    let server = serve(Options::default()).await;
    let mut publisher = Client::connect(server.local_addr()).await;
    let mut viewer = Client::connect(server.local_addr()).await;
    publisher.seed("cam").await;
    viewer.say(json!({"request": "play", "streamID": "cam"})).await;
    let viewer_uuid = publisher.hear().await["UUID"].as_str().unwrap().to_owned();
    publisher.say_text(&format!(r#"{{"z":1.50, "UUID":"{viewer_uuid}","a":1e400}}"#)).await;
    let heard = viewer.hear_text().await;
    assert!(heard.starts_with(r#"{"z":1.50, "UUID":""#) && heard.ends_with(r#"","a":1e400}"#), "{heard}");
}

#[tokio::test]
async fn an_early_play_is_served_when_the_stream_comes() {
    let server = serve(Options::default()).await;
    let mut viewer = Client::connect(server.local_addr()).await;
    viewer.say(json!({"request": "play", "streamID": "cam"})).await;
    viewer.settle().await;
    let mut publisher = Client::connect(server.local_addr()).await;
    publisher.say(json!({"request": "seed", "streamID": "cam"})).await;
    assert_eq!(publisher.hear().await["request"], "offerSDP");
}

#[tokio::test]
async fn a_room_lists_its_members() {
    let server = serve(Options::default()).await;
    let mut ann = Client::connect(server.local_addr()).await;
    let mut bob = Client::connect(server.local_addr()).await;
    ann.say(json!({"request": "joinroom", "roomid": "Studio"})).await;
    assert_eq!(ann.hear().await, json!({"request": "listing", "list": []}));
    ann.seed("a").await;
    bob.say(json!({"request": "joinroom", "roomid": "studio"})).await;
    let listing = bob.hear().await;
    assert_eq!(listing["list"][0]["streamID"], "a");
    assert_eq!(ann.hear().await["request"], "someonejoined");
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
async fn an_ordinary_client_sees_no_extension() {
    let server = serve(Options::default()).await;
    let client = Client::connect(server.local_addr()).await;
    assert!(client.headers.keys().all(|name| !name.as_str().starts_with("rejoin")), "{:?}", client.headers);
}
