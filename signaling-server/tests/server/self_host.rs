//! Two clients of a server with the self-host dialect.

use std::time::{Duration, Instant};

use rejoin_signaling_server::{Dialect, Options, REJOIN_ROUTE, REJOIN_VERSION, ServerHandle};
use serde_json::json;
use tokio::time::interval;

use crate::client::{Client, serve};

async fn serve_self_host() -> ServerHandle {
    let (ping_interval, silence_timeout) = (Duration::from_millis(100), Duration::from_millis(300));
    serve(Options { dialect: Dialect::SelfHost, ping_interval, silence_timeout, ..Options::default() }).await
}

#[tokio::test]
async fn an_offer_and_its_answer_are_forwarded_unchanged() {
    let server = serve_self_host().await;
    let mut viewer = Client::connect(server.local_addr()).await;
    viewer.send(json!({"UUID": "v", "from": "v"})).await;
    let mut publisher = Client::connect(server.local_addr()).await;
    publisher.send(json!({"request": "seed", "streamID": "cam", "from": "p"})).await;
    assert_eq!(viewer.receive().await["request"], "seed");
    viewer.send(json!({"request": "play", "streamID": "cam", "from": "v"})).await;
    assert_eq!(publisher.receive().await, json!({"request": "play", "streamID": "cam", "from": "v"}));
    let offer = r#"{"z":1.50, "UUID":"v","description":"6f","isScene":false,"from":"p"}"#;
    publisher.send_text(offer).await;
    assert_eq!(viewer.receive_text().await, offer);
    viewer.send(json!({"UUID": "p", "description": "61", "from": "v"})).await;
    assert_eq!(publisher.receive().await, json!({"UUID": "p", "description": "61", "from": "v"}));
}

#[tokio::test]
async fn a_name_is_free_when_its_owner_has_died() {
    let server = serve_self_host().await;
    let mut owner = Client::connect(server.local_addr()).await;
    owner.send(json!({"request": "seed", "streamID": "cam", "from": "p"})).await;
    let mut witness = Client::connect(server.local_addr()).await;
    witness.send(json!({"request": "play", "streamID": "cam", "from": "w"})).await;
    assert_eq!(owner.receive().await["from"], "w");
    let mut successor = Client::connect(server.local_addr()).await;
    let since = Instant::now();
    let claim = json!({"request": "seed", "streamID": "cam", "from": "p"});
    successor.send(claim.clone()).await;
    assert_eq!(successor.receive().await, json!({"error": "uuid already in use"}));
    // The owner neither reads nor writes from here on, so it answers no ping.
    let _dead = owner;
    let mut ticks = interval(Duration::from_millis(20));
    loop {
        successor.send(claim.clone()).await;
        witness.send(json!({"request": "play", "streamID": "cam", "from": "w"})).await;
        if successor.receive().await["request"] == "play" {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(5), "the dead socket still holds the name");
        ticks.tick().await;
    }
}

#[tokio::test]
async fn the_version_header_is_ignored() {
    let server = serve_self_host().await;
    let client = Client::connect_with(server.local_addr(), &[(REJOIN_VERSION, "1")]).await;
    assert_eq!(client.header(REJOIN_ROUTE), None);
}
