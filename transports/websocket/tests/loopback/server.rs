//! Servers for one connection each.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;

/// Serves one TCP connection with `work`; returns the URL and the result of `work`.
pub(crate) async fn tcp<Work, Done>(work: Work) -> (String, JoinHandle<Done::Output>)
where
    Work: FnOnce(TcpStream) -> Done + Send + 'static,
    Done: Future<Output: Send + 'static> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        work(stream).await
    });
    (url, served)
}

/// Serves one WebSocket with `work`.
pub(crate) async fn websocket<Work, Done>(work: Work) -> (String, JoinHandle<Done::Output>)
where
    Work: FnOnce(WebSocketStream<TcpStream>) -> Done + Send + 'static,
    Done: Future<Output: Send + 'static> + Send,
{
    tcp(async move |stream| work(tokio_tungstenite::accept_async(stream).await.unwrap()).await).await
}

/// Answers any request with `answer`, and waits until the client closes.
pub(crate) async fn answering(answer: &'static str) -> String {
    let (url, _) = tcp(async move |mut stream: TcpStream| {
        assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
        stream.write_all(answer.as_bytes()).await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
    })
    .await;
    url
}
