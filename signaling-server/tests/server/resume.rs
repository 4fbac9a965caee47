//! Resuming an earlier UUID by upgrade headers.

use serde_json::json;

use crate::client::{Client, Seeded, serve};
use rejoin_signaling_server::{
    Options, REJOIN_RESUME, REJOIN_RESUMED, REJOIN_ROUTE, REJOIN_SECRET, REJOIN_VERSION,
};
use std::net::SocketAddr;

async fn connect(addr: SocketAddr) -> Client {
    Client::connect_with(addr, &[(REJOIN_VERSION, "1")]).await
}

async fn resume(addr: SocketAddr, route: &str, secret: &str) -> Client {
    let token = format!("{route} {secret}");
    Client::connect_with(addr, &[(REJOIN_VERSION, "1"), (REJOIN_RESUME, &token)]).await
}

#[tokio::test]
async fn a_new_socket_takes_over_an_open_one() {
    let server = serve(Options::default()).await;
    let mut before = connect(server.local_addr()).await;
    before.seed("cam").await;
    let (route, secret) = (before.header(REJOIN_ROUTE).unwrap(), before.header(REJOIN_SECRET).unwrap());
    let mut after = resume(server.local_addr(), route, secret).await;
    assert_eq!(after.header(REJOIN_RESUMED), Some("1"));
    assert_eq!((after.header(REJOIN_ROUTE), after.header(REJOIN_SECRET)), (Some(route), Some(secret)));
    assert_eq!(before.closed().await, (4000, "resumed elsewhere".to_owned()));
    let mut viewer = Client::connect(server.local_addr()).await;
    viewer.send(json!({"request": "play", "streamID": "cam"})).await;
    assert_eq!(after.receive().await["request"], "offerSDP");
}

#[tokio::test]
async fn a_closed_socket_is_resumed() {
    let server = serve(Options::default()).await;
    let mut before = connect(server.local_addr()).await;
    before.seed("cam").await;
    let route = before.header(REJOIN_ROUTE).unwrap().to_owned();
    let secret = before.header(REJOIN_SECRET).unwrap().to_owned();
    drop(before);
    let mut witness = Client::connect(server.local_addr()).await;
    while witness.seed("cam").await == Seeded::InUse {}
    let mut after = resume(server.local_addr(), &route, &secret).await;
    assert_eq!((after.header(REJOIN_RESUMED), after.header(REJOIN_ROUTE)), (Some("1"), Some(route.as_str())));
    assert_eq!(after.receive().await, json!({"request": "alert", "message": "Stream ID is already in use."}));
}

#[tokio::test]
async fn a_wrong_secret_gets_a_new_uuid() {
    let server = serve(Options::default()).await;
    let mut owner = connect(server.local_addr()).await;
    let route = owner.header(REJOIN_ROUTE).unwrap().to_owned();
    let other = resume(server.local_addr(), &route, &"0".repeat(32)).await;
    assert_eq!(other.header(REJOIN_RESUMED), None);
    assert_ne!(other.header(REJOIN_ROUTE), Some(route.as_str()));
    owner.settle().await;
}
