//! Why a socket did not open, and what the user can do about it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rejoin_core::port::SignalingEvent;

/// Why a socket did not open.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The URL is none of ours.
    BadUrl(String),
    /// The name has no address.
    Resolve(io::Error),
    /// No address took the connection; `last` is the last one tried.
    Connect { last: SocketAddr, tried: usize, error: io::Error },
    /// The limit was over.
    TimedOut { stage: Stage, limit: Duration },
    /// No trusted channel.
    Tls { problem: String, remedy: &'static str },
    /// The connection broke during the upgrade.
    Broken(io::Error),
    /// The answer was not that of a WebSocket server (RFC 6455 section 4.1).
    NotWebSocket(String),
    /// An HTTP answer other than 101.
    Status { status: u16, retry_after: Option<Duration>, location: Option<String> },
    /// We were told to close while dialling.
    Abandoned,
}

/// How far a dial came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Asking for addresses.
    Resolve,
    /// TCP.
    Connect,
    /// TLS.
    Tls,
    /// The HTTP upgrade.
    Upgrade,
}

impl Refusal {
    /// Returns the event that tells it of `server`, a URL fit to be shown.
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
            Self::TimedOut { stage, limit } => {
                let silence = match stage {
                    Stage::Resolve => "its host name was not resolved; check the network's DNS",
                    Stage::Connect => "no address took the connection; check host, port and firewall",
                    Stage::Tls => {
                        "the TLS handshake did not end; check that the port is the server's TLS port"
                    }
                    Stage::Upgrade => {
                        "it did not answer the WebSocket upgrade; check that the server is well"
                    }
                };
                format!("{server} did not open within {limit:?}: {silence}")
            }
            Self::Tls { problem, remedy } => format!("no trusted TLS with {server}: {problem}; {remedy}"),
            Self::Broken(error) => format!(
                "{server} broke the connection during the upgrade: {error}; check that the server is well"
            ),
            Self::NotWebSocket(problem) => {
                format!("{server} is no WebSocket server: {problem}; check host, port and path")
            }
            Self::Status { status, retry_after: _, location } => {
                format!("{server} answered HTTP {status}; {}", status_remedy(*status, location.as_deref()))
            }
            Self::Abandoned => format!("{server} was closed by us before it opened"),
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
    let which = match tried {
        0 | 1 => format!("{last}"),
        several => format!("{several} addresses, the last {last}"),
    };
    format!("{server} took no connection ({which}): {error}; {remedy}")
}

fn status_remedy(status: u16, location: Option<&str>) -> String {
    match (status, location) {
        (300..=399, Some(location)) => format!("it moved to {}", crate::server_url::shown(location)),
        (200..=399, _) => "it is no WebSocket server at this host, port and path".to_owned(),
        (401 | 403 | 407, _) => "it does not let us in; check path and access rules".to_owned(),
        (404 | 405 | 410, _) => "it has no WebSocket at this path; check the path".to_owned(),
        (426, _) => "it wants another protocol; if it speaks TLS, begin its URL with wss://".to_owned(),
        (408 | 429 | 503, _) => "it is busy; try later".to_owned(),
        (500..=599, _) => "it is in trouble; look at its logs or try later".to_owned(),
        _ => "it refuses the WebSocket upgrade; check host, port and path".to_owned(),
    }
}
