//! Two clients of a server that speaks the self-host dialect.

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
async fn an_offer_and_its_answer_are_passed_on_as_they_came() {
    let server = serve_self_host().await;
    let mut viewer = Client::connect(server.local_addr()).await;
    viewer.say(json!({"UUID": "v", "from": "v"})).await;
    let mut publisher = Client::connect(server.local_addr()).await;
    publisher.say(json!({"request": "seed", "streamID": "cam", "from": "p"})).await;
    assert_eq!(viewer.hear().await["request"], "seed");
    viewer.say(json!({"request": "play", "streamID": "cam", "from": "v"})).await;
    assert_eq!(publisher.hear().await, json!({"request": "play", "streamID": "cam", "from": "v"}));
    let offer = r#"{"z":1.50, "UUID":"v","description":"6f","isScene":false,"from":"p"}"#;
    publisher.say_text(offer).await;
    assert_eq!(viewer.hear_text().await, offer);
    viewer.say(json!({"UUID": "p", "description": "61", "from": "v"})).await;
    assert_eq!(publisher.hear().await, json!({"UUID": "p", "description": "61", "from": "v"}));
}

#[tokio::test]
async fn a_name_is_free_when_its_owner_is_gone() {
    let server = serve_self_host().await;
    let mut owner = Client::connect(server.local_addr()).await;
    owner.say(json!({"request": "seed", "streamID": "cam", "from": "p"})).await;
    let mut witness = Client::connect(server.local_addr()).await;
    witness.say(json!({"request": "play", "streamID": "cam", "from": "w"})).await;
    assert_eq!(owner.hear().await["from"], "w");
    let mut heir = Client::connect(server.local_addr()).await;
    let since = Instant::now();
    let claim = json!({"request": "seed", "streamID": "cam", "from": "p"});
    heir.say(claim.clone()).await;
    assert_eq!(heir.hear().await, json!({"error": "uuid already in use"}));
    // It neither reads nor writes from here on, so no ping is answered.
    let _ghost = owner;
    let mut ticks = interval(Duration::from_millis(20));
    loop {
        heir.say(claim.clone()).await;
        witness.say(json!({"request": "play", "streamID": "cam", "from": "w"})).await;
        if heir.hear().await["request"] == "play" {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(5), "the ghost still holds the name");
        ticks.tick().await;
    }
}

#[tokio::test]
async fn nothing_is_resumed() {
    let server = serve_self_host().await;
    let client = Client::connect_with(server.local_addr(), &[(REJOIN_VERSION, "1")]).await;
    assert_eq!(client.header(REJOIN_ROUTE), None);
}
