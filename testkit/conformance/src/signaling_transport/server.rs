//! WebSocket servers on loopback: one that echoes, one that never answers.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// A server that is stopped when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) url: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Starts a server that sends every text back, and closes the socket with code 1234 for `close 1234`.
    pub(crate) async fn echo() -> Result<Self, String> {
        Self::start(|stream| {
            tokio::spawn(async move {
                // A client that goes away ends its task only.
                let _ = echo(stream).await;
            });
        })
        .await
    }

    /// Starts a server that accepts TCP connections and never answers.
    pub(crate) async fn mute() -> Result<Self, String> {
        let mut streams = Vec::new();
        Self::start(move |stream| streams.push(stream)).await
    }

    /// Returns the URL of a port on which no server listens.
    pub(crate) async fn refusing() -> Result<String, String> {
        // The listener is dropped, and the system gives its port to no other socket soon.
        Ok(Self::start(drop).await?.url.clone())
    }

    async fn start(mut serve: impl FnMut(TcpStream) + Send + 'static) -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serve(stream);
            }
        });
        Ok(Self { url: format!("ws://{address}/"), task })
    }
}

async fn echo(stream: TcpStream) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    let mut socket = tokio_tungstenite::accept_async(stream).await?;
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message? else { continue };
        let code = text.strip_prefix("close ").and_then(|code| code.parse::<u16>().ok());
        match code {
            Some(code) => {
                socket.close(Some(CloseFrame { code: code.into(), reason: "asked to".into() })).await?;
            }
            None => socket.send(Message::Text(text)).await?,
        }
    }
    Ok(())
}
