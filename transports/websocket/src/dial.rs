//! From a URL to an open WebSocket: name resolution, TCP, TLS and upgrade under one limit.

use std::sync::Arc;
use std::time::Duration;

use rejoin_core::port::Resumption;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::connect::connect;
use crate::exits::exits;
use crate::refusal::{Refusal, Stage};
use crate::resolve::AddressBook;
use crate::server_url::ServerUrl;
use crate::tls;
use crate::upgrade::upgrade;

/// How long the kernel repeats unacknowledged bytes until it gives the connection up.
///
/// Its own limit is some fifteen minutes, for which a write into a dead path would look like success.
/// 10 s survive the repetitions at 0.2, 0.6, 1.4, 3 and 6.2 s of a path that comes back.
#[cfg(target_os = "linux")]
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest limit taken at its word; far enough, and any clock can add it.
const LONGEST_LIMIT: Duration = Duration::from_secs(24 * 3600);
/// The read buffer of a socket, allocated at once: most frames are below 10 KiB.
const READ_BUFFER: usize = 16 * 1024;

/// Bytes both ways, encrypted or not.
pub(crate) trait Bytes: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Bytes for T {}

/// An open WebSocket.
pub(crate) type Open = WebSocketStream<Box<dyn Bytes>>;

/// Whom to dial, and how.
pub(crate) struct Call {
    /// The server.
    pub(crate) server: Arc<str>,
    /// How long it may take.
    pub(crate) limit: Duration,
    /// The addresses that are known.
    pub(crate) addresses: AddressBook,
    /// Which ways to try.
    pub(crate) ways: Ways,
    /// The address to take back.
    pub(crate) resume: Option<Resumption>,
    /// Whom we trust.
    pub(crate) tls: Arc<ClientConfig>,
    /// The largest frame that we will read.
    pub(crate) max_frame_bytes: usize,
}

/// Which ways to a server are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ways {
    /// The one that the kernel chooses.
    Usual,
    /// Also those through every other interface, because the usual one swallows what it is given.
    Every,
}

/// An open WebSocket, and what the server said about our address.
pub(crate) struct Dialed {
    /// The socket.
    pub(crate) websocket: Open,
    /// Our address and its secret, where the server told them.
    pub(crate) resumption: Option<Resumption>,
    /// Whether the server gave back the address that we asked for.
    pub(crate) resumed: bool,
}

/// Dials the server.
pub(crate) async fn dial(call: &Call) -> Result<Dialed, Refusal> {
    let server = ServerUrl::parse(&call.server)?;
    let clock = Clock { deadline: Instant::now() + call.limit.min(LONGEST_LIMIT), limit: call.limit };
    let addresses = clock.bound(Stage::Resolve, call.addresses.resolve(&server, call.ways)).await?;
    let exits = match call.ways {
        Ways::Usual => Vec::new(),
        Ways::Every => exits(),
    };
    let tcp = connect(&addresses, &exits, (clock.deadline, clock.limit)).await?;
    let address = tcp.peer_addr();
    let opened = open(tcp, &server, call, &clock).await;
    match (address, &opened) {
        (Ok(address), Ok(_)) => call.addresses.served(&server, address),
        (Ok(address), Err(_)) => call.addresses.failed(&server, address),
        // a connection that is gone already
        (Err(_), _) => {}
    }
    opened
}

/// Makes a WebSocket of a connection.
async fn open(tcp: TcpStream, server: &ServerUrl, call: &Call, clock: &Clock) -> Result<Dialed, Refusal> {
    prepare(&tcp);
    let mut stream: Box<dyn Bytes> = if server.is_secure() {
        Box::new(clock.bound(Stage::Tls, tls::secure(&call.tls, server.host(), tcp)).await?)
    } else {
        Box::new(tcp)
    };
    let asked = call.resume.as_ref();
    let upgraded = clock.bound(Stage::Upgrade, upgrade(&mut stream, server, asked)).await?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(call.max_frame_bytes))
        .max_frame_size(Some(call.max_frame_bytes));
    let websocket =
        WebSocketStream::from_partially_read(stream, upgraded.rest, Role::Client, Some(config)).await;
    Ok(Dialed { websocket, resumption: upgraded.resumption, resumed: upgraded.resumed })
}

/// The one limit that all stages share.
struct Clock {
    deadline: Instant,
    limit: Duration,
}

impl Clock {
    async fn bound<T>(
        &self,
        stage: Stage,
        work: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Refusal> {
        match timeout_at(self.deadline, work).await {
            Ok(done) => done,
            Err(_) => Err(Refusal::TimedOut { stage, limit: self.limit }),
        }
    }
}

/// Makes messages leave at once and a dead path known; where the system refuses, the socket works without.
fn prepare(tcp: &TcpStream) {
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY not set");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = socket2::SockRef::from(tcp).set_tcp_user_timeout(Some(TCP_USER_TIMEOUT)) {
        tracing::debug!(%error, "TCP_USER_TIMEOUT not set");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn a_dead_path_and_small_messages_are_prepared_for() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();

        prepare(&tcp);

        assert!(tcp.nodelay().unwrap());
        let user_timeout = socket2::SockRef::from(&tcp).tcp_user_timeout().unwrap();
        assert_eq!(user_timeout, Some(TCP_USER_TIMEOUT));
    }
}
