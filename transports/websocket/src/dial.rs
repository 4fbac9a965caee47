//! From a URL to an open WebSocket: name resolution, TCP, TLS and upgrade under one limit.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rejoin_core::port::Resumption;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use url::Host;

use crate::refusal::{Refusal, Stage};
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
    /// The route to take back.
    pub(crate) resume: Option<Resumption>,
    /// Whom we trust.
    pub(crate) tls: Arc<ClientConfig>,
    /// The largest frame that we will read.
    pub(crate) max_frame_bytes: usize,
}

/// An open WebSocket, and what the server said about our route.
pub(crate) struct Dialed {
    /// The socket.
    pub(crate) websocket: Open,
    /// Our route and its secret, where the server told them.
    pub(crate) resumption: Option<Resumption>,
    /// Whether the server gave back the route that we asked for.
    pub(crate) resumed: bool,
}

/// Dials the server.
pub(crate) async fn dial(call: &Call) -> Result<Dialed, Refusal> {
    let server = ServerUrl::parse(&call.server)?;
    let clock = Clock { deadline: Instant::now() + call.limit.min(LONGEST_LIMIT), limit: call.limit };
    let addresses = clock.bound(Stage::Resolve, resolve(&server)).await?;
    let tcp = connect(&addresses, &clock).await?;
    prepare(&tcp);
    let mut stream: Box<dyn Bytes> = if server.is_secure() {
        Box::new(clock.bound(Stage::Tls, tls::secure(&call.tls, server.host(), tcp)).await?)
    } else {
        Box::new(tcp)
    };
    let asked = call.resume.as_ref();
    let upgraded = clock.bound(Stage::Upgrade, upgrade(&mut stream, &server, asked)).await?;
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

async fn resolve(server: &ServerUrl) -> Result<Vec<SocketAddr>, Refusal> {
    let port = server.port();
    let addresses: Vec<SocketAddr> = match server.host() {
        Host::Domain(name) => {
            tokio::net::lookup_host((name.as_str(), port)).await.map_err(Refusal::Resolve)?.collect()
        }
        Host::Ipv4(address) => vec![SocketAddr::from((*address, port))],
        Host::Ipv6(address) => vec![SocketAddr::from((*address, port))],
    };
    if addresses.is_empty() {
        return Err(Refusal::Resolve(io::Error::new(io::ErrorKind::NotFound, "it has no address")));
    }
    Ok(addresses)
}

/// Tries every address in the resolver's order (RFC 6724), each for its share of the time that is left.
async fn connect(addresses: &[SocketAddr], clock: &Clock) -> Result<TcpStream, Refusal> {
    let mut refusal = Refusal::TimedOut { stage: Stage::Connect, limit: clock.limit };
    for (tried, address) in (1..).zip(addresses) {
        let untried = u32::try_from(addresses.len() + 1 - tried).unwrap_or(u32::MAX);
        let share = clock.deadline.saturating_duration_since(Instant::now()) / untried.max(1);
        tracing::trace!(%address, ?share, "connecting");
        match timeout_at(Instant::now() + share, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => return Ok(tcp),
            Ok(Err(error)) => refusal = Refusal::Connect { last: *address, tried, error },
            Err(_) => refusal = Refusal::TimedOut { stage: Stage::Connect, limit: clock.limit },
        }
        tracing::trace!(%address, ?refusal, "not connected");
    }
    Err(refusal)
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
    async fn an_address_that_refuses_is_followed_by_the_next() {
        let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let refusing = gone.local_addr().unwrap();
        drop(gone);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listening = listener.local_addr().unwrap();
        let limit = Duration::from_secs(5);
        let clock = Clock { deadline: Instant::now() + limit, limit };

        let tcp = connect(&[refusing, listening], &clock).await.unwrap();

        assert_eq!(tcp.peer_addr().unwrap(), listening);
    }

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
