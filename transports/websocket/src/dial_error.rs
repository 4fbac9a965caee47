//! The reasons why a dial fails, and the remedies.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rejoin_core::port::SignalingEvent;

/// The reason why a dial failed.
#[derive(Debug)]
pub(crate) enum DialError {
    /// The URL is not usable.
    BadUrl(String),
    /// The host name cannot be resolved.
    Resolve(io::Error),
    /// No address accepted a connection; `last` is the last one tried.
    Connect { last: SocketAddr, tried: usize, error: io::Error },
    /// The time limit has expired.
    TimedOut { phase: DialPhase, limit: Duration },
    /// The TLS handshake failed.
    Tls { problem: String, remedy: &'static str },
    /// The connection broke during the upgrade.
    Broken(io::Error),
    /// The answer is not that of a WebSocket server (RFC 6455 section 4.1).
    NotWebSocket(String),
    /// The HTTP status is not 101.
    Status { status: u16, retry_after: Option<Duration>, location: Option<String> },
    /// The application closed the socket during the dial.
    Abandoned,
}

/// The phase of a dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DialPhase {
    /// DNS.
    Resolve,
    /// TCP.
    Connect,
    /// TLS.
    Tls,
    /// The HTTP upgrade.
    Upgrade,
}

impl DialError {
    /// Returns the event for the application; `server` is the redacted URL.
    pub(crate) fn into_event(self, server: &str) -> SignalingEvent {
        let reason = self.reason(server);
        let (status, retry_after) = match self {
            Self::Status { status, retry_after, location: _ } => (Some(status), retry_after),
            Self::BadUrl(_)
            | Self::Resolve(_)
            | Self::Connect { .. }
            | Self::TimedOut { .. }
            | Self::Tls { .. }
            | Self::Broken(_)
            | Self::NotWebSocket(_)
            | Self::Abandoned => (None, None),
        };
        SignalingEvent::Closed { opened: false, code: None, status, retry_after, reason }
    }

    fn reason(&self, server: &str) -> String {
        match self {
            Self::BadUrl(problem) => {
                format!(
                    "the server URL \"{server}\" cannot be used: {problem}; write ws://host:port or wss://host"
                )
            }
            Self::Resolve(error) => format!(
                "the host name of {server} cannot be resolved: {error}; check the name and the network's DNS"
            ),
            Self::Connect { last, tried, error } => connect_reason(server, (*last, *tried), error),
            Self::TimedOut { phase, limit } => {
                let problem = match phase {
                    DialPhase::Resolve => "its host name was not resolved; check the network's DNS",
                    DialPhase::Connect => "no address accepted the connection; check host, port and firewall",
                    DialPhase::Tls => {
                        "the TLS handshake did not complete; check that the port is the server's TLS port"
                    }
                    DialPhase::Upgrade => "it did not answer the WebSocket upgrade; check the server's log",
                };
                format!("{server} did not open within {limit:?}: {problem}")
            }
            Self::Tls { problem, remedy } => {
                format!("the TLS handshake with {server} failed: {problem}; {remedy}")
            }
            Self::Broken(error) => {
                format!("{server} closed the connection during the upgrade: {error}; check the server's log")
            }
            Self::NotWebSocket(problem) => {
                format!("{server} is not a WebSocket server: {problem}; check host, port and path")
            }
            Self::Status { status, retry_after: _, location } => {
                format!("{server} answered HTTP {status}; {}", status_remedy(*status, location.as_deref()))
            }
            Self::Abandoned => format!("we closed the socket to {server} before it opened"),
        }
    }
}

fn connect_reason(server: &str, (last, tried): (SocketAddr, usize), error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::ConnectionRefused => "start the server, or check host and port",
        io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::AddrNotAvailable
        | io::ErrorKind::NetworkDown => "check this machine's network",
        io::ErrorKind::TimedOut => "check host, port and firewall",
        _ => "check host, port and network",
    };
    let addresses = match tried {
        0 | 1 => format!("{last}"),
        several => format!("{several} addresses, the last {last}"),
    };
    format!("{server} accepted no connection ({addresses}): {error}; {remedy}")
}

fn status_remedy(status: u16, location: Option<&str>) -> String {
    match (status, location) {
        (300..=399, Some(location)) => format!("it moved to {}", crate::server_url::redacted(location)),
        (200..=399, _) => "it is not a WebSocket server at this host, port and path".to_owned(),
        (401 | 403 | 407, _) => "it denies access; check path and access rules".to_owned(),
        (404 | 405 | 410, _) => "it has no WebSocket at this path; check the path".to_owned(),
        (426, _) => "it requires another protocol; if it uses TLS, begin its URL with wss://".to_owned(),
        (408 | 429 | 503, _) => "it is busy; try later".to_owned(),
        (500..=599, _) => "it has an internal error; check its log or try later".to_owned(),
        _ => "it rejects the WebSocket upgrade; check host, port and path".to_owned(),
    }
}
