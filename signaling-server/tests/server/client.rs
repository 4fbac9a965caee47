//! A client that panics instead of waiting forever.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rejoin_signaling_server::{Limits, Options, Server, ServerHandle};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Everything here happens within milliseconds; only a failure takes this long.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) headers: HeaderMap,
}

pub(crate) async fn serve(options: Options) -> ServerHandle {
    Server::bind("127.0.0.1:0", options).await.unwrap().start()
}

pub(crate) fn limited(limits: Limits) -> Options {
    Options { limits, ..Options::default() }
}

impl Client {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        Self::connect_with(addr, &[]).await
    }

    pub(crate) async fn connect_with(addr: SocketAddr, headers: &[(&str, &str)]) -> Self {
        let mut request = format!("ws://{addr}/").into_client_request().unwrap();
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        }
        let (socket, response) = timeout(TIMEOUT, connect_async(request)).await.unwrap().unwrap();
        Self { socket, headers: response.headers().clone() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) async fn send(&mut self, frame: Value) {
        self.send_text(&frame.to_string()).await;
    }

    pub(crate) async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn send_binary(&mut self, bytes: &'static [u8]) {
        self.socket.send(Message::Binary(Bytes::from_static(bytes))).await.unwrap();
    }

    /// Sends a frame and returns whether the socket still accepts frames.
    pub(crate) async fn try_send(&mut self, text: &str) -> bool {
        self.socket.send(Message::text(text)).await.is_ok()
    }

    pub(crate) async fn receive_text(&mut self) -> String {
        loop {
            match timeout(TIMEOUT, self.socket.next()).await.unwrap().unwrap().unwrap() {
                Message::Text(text) => return text.to_string(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("received {other:?} instead of text"),
            }
        }
    }

    pub(crate) async fn receive(&mut self) -> Value {
        serde_json::from_str(&self.receive_text().await).unwrap()
    }

    /// Returns when the server has processed all earlier frames; no other frame may arrive meanwhile.
    pub(crate) async fn settle(&mut self) {
        self.send(json!({"request": "are you done?"})).await;
        let answer = self.receive().await;
        assert_eq!(answer["request"], "error", "{answer}");
    }

    /// Returns the code and the reason with which the server closes, and skips frames before that.
    pub(crate) async fn closed(mut self) -> (u16, String) {
        loop {
            match timeout(TIMEOUT, self.socket.next()).await.unwrap().unwrap().unwrap() {
                Message::Close(Some(frame)) => return (frame.code.into(), frame.reason.to_string()),
                Message::Text(_) | Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("received {other:?} instead of a close frame"),
            }
        }
    }

    /// Claims a stream id and returns the server's answer.
    pub(crate) async fn seed(&mut self, stream: &str) -> Seeded {
        self.send(json!({"request": "seed", "streamID": stream})).await;
        self.send(json!({"request": "are you done?"})).await;
        match self.receive().await["request"].as_str().unwrap() {
            "alert" => {
                self.receive().await;
                Seeded::InUse
            }
            _ => Seeded::Claimed,
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seeded {
    Claimed,
    InUse,
}
