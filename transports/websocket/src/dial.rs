//! Opens a WebSocket to a URL: name resolution, TCP, TLS and upgrade under one time limit.

use std::sync::Arc;
use std::time::Duration;

use rejoin_core::port::Resumption;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use crate::dial_error::{DialError, DialPhase};
use crate::happy_eyeballs::connect;
use crate::interfaces::{InterfaceChoice, local_interfaces};
use crate::resolve::DnsCache;
use crate::server_url::ServerUrl;
use crate::tls;
use crate::upgrade::upgrade;

/// How long the kernel retransmits unacknowledged bytes before it aborts the connection.
///
/// The kernel's default is about fifteen minutes, during which writes into a dead path would seem to succeed.
/// Within 10 s it retransmits at 0.2, 0.6, 1.4, 3 and 6.2 s, so a path that recovers is kept.
#[cfg(target_os = "linux")]
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest limit that is used as given; a larger one could overflow the clock.
const MAX_LIMIT: Duration = Duration::from_secs(24 * 3600);
/// The read buffer of a socket, which is allocated at once; most frames are smaller than 10 KiB.
const READ_BUFFER: usize = 16 * 1024;

/// A byte stream in both directions, with or without TLS.
pub(crate) trait ByteStream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> ByteStream for T {}

/// An open WebSocket.
pub(crate) type OpenWebSocket = WebSocketStream<Box<dyn ByteStream>>;

/// The parameters of a dial.
pub(crate) struct DialRequest {
    /// The URL of the server.
    pub(crate) server: Arc<str>,
    /// The time limit.
    pub(crate) limit: Duration,
    /// The addresses that earlier dials resolved.
    pub(crate) dns: DnsCache,
    /// The interfaces to try.
    pub(crate) interfaces: InterfaceChoice,
    /// The address to take back.
    pub(crate) resume: Option<Resumption>,
    /// The trusted certificate authorities.
    pub(crate) tls: Arc<ClientConfig>,
    /// The largest incoming frame or message.
    pub(crate) max_frame_bytes: usize,
}

/// An open WebSocket.
pub(crate) struct Dialed {
    pub(crate) websocket: OpenWebSocket,
    /// Our address and its secret, if the server assigned them.
    pub(crate) resumption: Option<Resumption>,
    /// Whether the server gave back the requested address.
    pub(crate) resumed: bool,
}

/// Dials the server.
pub(crate) async fn dial(request: &DialRequest) -> Result<Dialed, DialError> {
    let server = ServerUrl::parse(&request.server).map_err(DialError::BadUrl)?;
    let timer = DialTimer { deadline: Instant::now() + request.limit.min(MAX_LIMIT), limit: request.limit };
    let resolved = request.dns.resolve(&server, request.interfaces);
    let addresses =
        timer.bound(DialPhase::Resolve, async { resolved.await.map_err(DialError::Resolve) }).await?;
    let interfaces = match request.interfaces {
        InterfaceChoice::Default => Vec::new(),
        InterfaceChoice::All => local_interfaces(),
    };
    let tcp = connect(&addresses, &interfaces, (timer.deadline, timer.limit)).await?;
    let address = tcp.peer_addr();
    let opened = open(tcp, &server, request, &timer).await;
    match (address, &opened) {
        (Ok(address), Ok(_)) => request.dns.on_opened(&server, address),
        (Ok(address), Err(_)) => request.dns.on_failed(&server, address),
        // The connection is lost already.
        (Err(_), _) => {}
    }
    opened
}

/// Opens a WebSocket over a TCP connection.
async fn open(
    tcp: TcpStream,
    server: &ServerUrl,
    request: &DialRequest,
    timer: &DialTimer,
) -> Result<Dialed, DialError> {
    configure(&tcp);
    let mut stream: Box<dyn ByteStream> = if server.is_secure() {
        Box::new(timer.bound(DialPhase::Tls, tls::connect(&request.tls, server.host(), tcp)).await?)
    } else {
        Box::new(tcp)
    };
    let resume = request.resume.as_ref();
    let upgraded = timer.bound(DialPhase::Upgrade, upgrade(&mut stream, server, resume)).await?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(request.max_frame_bytes))
        .max_frame_size(Some(request.max_frame_bytes));
    let websocket =
        WebSocketStream::from_partially_read(stream, upgraded.rest, Role::Client, Some(config)).await;
    Ok(Dialed { websocket, resumption: upgraded.resumption, resumed: upgraded.resumed })
}

/// The time limit that all phases share.
struct DialTimer {
    deadline: Instant,
    limit: Duration,
}

impl DialTimer {
    async fn bound<T>(
        &self,
        phase: DialPhase,
        work: impl Future<Output = Result<T, DialError>>,
    ) -> Result<T, DialError> {
        match timeout_at(self.deadline, work).await {
            Ok(done) => done,
            Err(_) => Err(DialError::TimedOut { phase, limit: self.limit }),
        }
    }
}

/// Disables Nagle's algorithm and bounds retransmission; if the system refuses, the socket works without.
fn configure(tcp: &TcpStream) {
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    #[cfg(target_os = "linux")]
    if let Err(error) = socket2::SockRef::from(tcp).set_tcp_user_timeout(Some(TCP_USER_TIMEOUT)) {
        tracing::debug!(%error, "cannot set TCP_USER_TIMEOUT");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn nagle_is_off_and_retransmission_is_bounded() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tcp = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();

        configure(&tcp);

        assert!(tcp.nodelay().unwrap());
        let user_timeout = socket2::SockRef::from(&tcp).tcp_user_timeout().unwrap();
        assert_eq!(user_timeout, Some(TCP_USER_TIMEOUT));
    }
}
