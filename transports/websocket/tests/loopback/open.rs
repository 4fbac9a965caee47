//! The open socket: upgrade headers, messages and replacement.

use futures_util::{SinkExt, StreamExt};
use rejoin_core::port::{Resumption, SignalingAction, SignalingEvent, SignalingTransport};
use rejoin_core::{Generation, SignalingAddress};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use crate::server;
use crate::wire::{FIRST, next, open, opened, play, received, resume, transport, within};

#[tokio::test]
async fn messages_are_sent_and_received() {
    let (url, _served) = server::websocket(async |mut socket| {
        let message = socket.next().await.unwrap().unwrap();
        assert_eq!(message.to_text().unwrap(), "play there");
        socket.send("play one\nplay two".into()).await.unwrap();
        socket.next().await
    })
    .await;
    let mut transport = transport();
    opened(&mut transport, &url).await;

    transport.perform(FIRST, SignalingAction::Send(play("there")));

    assert_eq!(next(&mut transport).await, (FIRST, received("one")));
    assert_eq!(next(&mut transport).await, (FIRST, received("two")));
}

#[tokio::test]
async fn a_frame_in_the_same_packet_as_the_upgrade_is_not_lost() {
    let (url, _served) = server::websocket(async |mut socket| {
        socket.send("play early".into()).await.unwrap();
        socket.next().await
    })
    .await;
    let mut transport = transport();

    opened(&mut transport, &url).await;

    assert_eq!(next(&mut transport).await, (FIRST, received("early")));
}

#[tokio::test]
async fn resumption_headers_are_sent_and_read() {
    let (url, served) = server::tcp(async |stream| {
        let mut asked = Vec::new();
        let answer = |request: &Request, mut response: Response| {
            for name in ["rejoin-version", "rejoin-resume"] {
                asked.push(request.headers()[name].to_str().unwrap().to_owned());
            }
            response.headers_mut().insert("Rejoin-Route", "new-route".parse().unwrap());
            response.headers_mut().insert("Rejoin-Secret", "new-secret".parse().unwrap());
            response.headers_mut().insert("Rejoin-Resumed", "1".parse().unwrap());
            Ok(response)
        };
        let mut socket = tokio_tungstenite::accept_hdr_async(stream, answer).await.unwrap();
        socket.close(None).await.unwrap();
        asked
    })
    .await;
    let mut transport = transport();

    let old = Resumption { address: SignalingAddress("old-route".into()), secret: "old-secret".into() };
    transport.perform(FIRST, resume(&url, old));

    let new = Resumption { address: SignalingAddress("new-route".into()), secret: "new-secret".into() };
    let opened = SignalingEvent::Opened { resumption: Some(new), resumed: true };
    assert_eq!(next(&mut transport).await, (FIRST, opened));
    assert_eq!(served.await.unwrap(), ["1", "old-route old-secret"]);
}

#[tokio::test]
async fn the_version_is_always_sent_and_the_resumption_only_if_known() {
    let (url, served) = server::tcp(async |stream| {
        let mut headers_seen = None;
        let answer = |request: &Request, response: Response| {
            let headers = request.headers();
            headers_seen = Some((headers["rejoin-version"].clone(), headers.contains_key("rejoin-resume")));
            Ok(response)
        };
        let socket = tokio_tungstenite::accept_hdr_async(stream, answer).await.unwrap();
        (headers_seen, socket)
    })
    .await;
    let mut transport = transport();

    opened(&mut transport, &url).await;

    let (headers_seen, _socket) = served.await.unwrap();
    assert_eq!(headers_seen, Some(("1".parse().unwrap(), false)));
}

#[tokio::test]
async fn ipv6_works_like_ipv4() {
    let listener = match TcpListener::bind("[::1]:0").await {
        Ok(listener) => listener,
        Err(error) => return println!("skipped: ::1 cannot be bound: {error}"),
    };
    let url = format!("ws://[::1]:{}/", listener.local_addr().unwrap().port());
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        tokio_tungstenite::accept_async(stream).await.unwrap()
    });
    let mut transport = transport();

    opened(&mut transport, &url).await;

    served.await.unwrap();
}

#[tokio::test]
async fn a_replaced_socket_ends_without_further_events() {
    let (old, old_served) = server::websocket(async |mut socket| {
        socket.send("play stale".into()).await.unwrap();
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
    let (new, _new_served) = server::websocket(async |mut socket| {
        socket.send("play fresh".into()).await.unwrap();
        socket.next().await
    })
    .await;
    let mut transport = transport();
    opened(&mut transport, &old).await;

    transport.perform(Generation(2), open(&new));

    let fresh = SignalingEvent::Opened { resumption: None, resumed: false };
    assert_eq!(next(&mut transport).await, (Generation(2), fresh));
    assert_eq!(next(&mut transport).await, (Generation(2), received("fresh")));
    within(old_served).await.unwrap();
}

#[tokio::test]
async fn actions_of_another_generation_are_ignored() {
    let (url, served) = server::websocket(async |mut socket| socket.next().await).await;
    let mut transport = transport();
    opened(&mut transport, &url).await;

    transport.perform(Generation(9), SignalingAction::Close);
    transport.perform(Generation(9), SignalingAction::Send(play("stale")));
    transport.perform(FIRST, SignalingAction::Send(play("fresh")));

    let message = within(served).await.unwrap().unwrap().unwrap();
    assert_eq!(message.to_text().unwrap(), "play fresh");
}

#[tokio::test]
async fn a_dropped_transport_drops_its_socket() {
    let (url, served) =
        server::websocket(async |mut socket| while let Some(Ok(_)) = socket.next().await {}).await;
    let mut transport = transport();
    opened(&mut transport, &url).await;

    drop(transport);

    within(served).await.unwrap();
}
