//! A client that fails loudly instead of waiting forever.

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
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

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
        let (socket, response) = timeout(PATIENCE, connect_async(request)).await.unwrap().unwrap();
        Self { socket, headers: response.headers().clone() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) async fn say(&mut self, frame: Value) {
        self.say_text(&frame.to_string()).await;
    }

    pub(crate) async fn say_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    pub(crate) async fn say_binary(&mut self, bytes: &'static [u8]) {
        self.socket.send(Message::Binary(Bytes::from_static(bytes))).await.unwrap();
    }

    /// Sends without waiting for the frame to be written, and says whether the socket still takes frames.
    pub(crate) async fn push(&mut self, text: &str) -> bool {
        self.socket.send(Message::text(text)).await.is_ok()
    }

    pub(crate) async fn hear_text(&mut self) -> String {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.unwrap().unwrap().unwrap() {
                Message::Text(text) => return text.to_string(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("heard {other:?} instead of text"),
            }
        }
    }

    pub(crate) async fn hear(&mut self) -> Value {
        serde_json::from_str(&self.hear_text().await).unwrap()
    }

    /// Returns when the server has dealt with all that was said before; nothing else may come meanwhile.
    pub(crate) async fn settle(&mut self) {
        self.say(json!({"request": "are you done?"})).await;
        let answer = self.hear().await;
        assert_eq!(answer["request"], "error", "{answer}");
    }

    /// Returns the code and reason with which the server closes, skipping what comes before.
    pub(crate) async fn end(mut self) -> (u16, String) {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.unwrap().unwrap().unwrap() {
                Message::Close(Some(frame)) => return (frame.code.into(), frame.reason.to_string()),
                Message::Text(_) | Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("heard {other:?} instead of a close frame"),
            }
        }
    }

    /// Claims a stream id and returns what the server thinks of it.
    pub(crate) async fn seed(&mut self, stream: &str) -> Seeded {
        self.say(json!({"request": "seed", "streamID": stream})).await;
        self.say(json!({"request": "are you done?"})).await;
        match self.hear().await["request"].as_str().unwrap() {
            "alert" => {
                self.hear().await;
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
