//! The HTTP side: reads a request, and answers with the upgrade or with a remedy.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::machine::TryParse;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response, create_response, write_response};
use tokio_tungstenite::tungstenite::http::HeaderValue;

use crate::hosted::Admission;
use crate::route::ResumeToken;

/// Names the request header with which a client says that it knows how to resume; its value is `1`.
pub const REJOIN_VERSION: &str = "rejoin-version";
/// Names the request header that asks for an earlier UUID back: `<uuid> <secret>`.
pub const REJOIN_RESUME: &str = "rejoin-resume";
/// Names the response header with the socket's UUID.
pub const REJOIN_ROUTE: &str = "rejoin-route";
/// Names the response header with the secret that proves the UUID.
pub const REJOIN_SECRET: &str = "rejoin-secret";
/// Names the response header that says, with `1`, that the UUID is the one that was asked for.
pub const REJOIN_RESUMED: &str = "rejoin-resumed";

/// Browsers with many cookies stay below; what is longer is no handshake.
const HEAD_BYTES: usize = 16 * 1024;
/// Long enough for a few sockets to leave, short enough for somebody who waits.
const RETRY_AFTER_SECONDS: u32 = 5;

/// A request for a WebSocket.
#[derive(Debug)]
pub(crate) struct UpgradeRequest {
    response: Response,
    /// Present if the client knows how to resume.
    pub(crate) wish: Option<ResumeRequest>,
    /// What the client sent behind its request already.
    pub(crate) leftover: Vec<u8>,
}

/// What a client that knows how to resume asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ResumeRequest {
    NewRoute,
    Resume(ResumeToken),
}

/// A request that gets no WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HttpRejection {
    NotAnUpgrade,
    WrongVersion,
    NotTls,
    NotGet,
    TooLong,
    Unreadable,
    Full,
}

impl UpgradeRequest {
    /// Reads one request; the caller limits the time.
    pub(crate) async fn read<S: AsyncRead + Unpin>(
        stream: &mut S,
    ) -> io::Result<Result<Self, HttpRejection>> {
        let mut head = Vec::with_capacity(1024);
        while !contains_end(&head) {
            if head.len() >= HEAD_BYTES {
                return Ok(Err(HttpRejection::TooLong));
            }
            if stream.read_buf(&mut head).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(Self::parse(&head))
    }

    fn parse(head: &[u8]) -> Result<Self, HttpRejection> {
        let (length, request) = Request::try_parse(head)?.ok_or(HttpRejection::Unreadable)?;
        let response = create_response(&request)?;
        let leftover = head.get(length..).unwrap_or_default().to_vec();
        Ok(Self { response, wish: ResumeRequest::of(&request), leftover })
    }

    /// Returns the bytes that turn the connection into a WebSocket.
    pub(crate) fn accept(mut self, admission: &Admission) -> io::Result<Vec<u8>> {
        let headers = self.response.headers_mut();
        if let Some(pass) = &admission.pass {
            let value = |text: &str| HeaderValue::from_str(text).map_err(io::Error::other);
            headers.insert(REJOIN_ROUTE, value(&pass.route.to_string())?);
            headers.insert(REJOIN_SECRET, value(&pass.secret.reveal())?);
            if admission.resumed {
                headers.insert(REJOIN_RESUMED, HeaderValue::from_static("1"));
            }
        }
        let mut bytes = Vec::new();
        write_response(&mut bytes, &self.response).map_err(io::Error::other)?;
        Ok(bytes)
    }
}

impl ResumeRequest {
    fn of(request: &Request) -> Option<Self> {
        let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        if text(REJOIN_VERSION)?.trim() != "1" {
            return None;
        }
        let pass = text(REJOIN_RESUME).and_then(|resume| resume.parse().ok());
        Some(pass.map_or(Self::NewRoute, Self::Resume))
    }
}

impl HttpRejection {
    pub(crate) fn status(self) -> u16 {
        match self {
            Self::NotAnUpgrade | Self::WrongVersion | Self::NotTls => 426,
            Self::NotGet => 405,
            Self::TooLong => 431,
            Self::Unreadable => 400,
            Self::Full => 503,
        }
    }

    /// Returns the whole response.
    pub(crate) fn response(self) -> Vec<u8> {
        let (line, headers, remedy) = match self {
            Self::NotAnUpgrade => (
                "426 Upgrade Required",
                "Upgrade: websocket\r\nConnection: Upgrade, close\r\n".to_owned(),
                "this is a signaling server; connect with a websocket client (ws:// or wss://)",
            ),
            Self::WrongVersion => (
                "426 Upgrade Required",
                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade, close\r\n"
                    .to_owned(),
                "websocket version is not 13; use a client that speaks RFC 6455",
            ),
            // RFC 2817 section 4.2 has this answer for requests that TLS is required for.
            Self::NotTls => (
                "426 Upgrade Required",
                "Upgrade: TLS/1.2, HTTP/1.1\r\nConnection: Upgrade, close\r\n".to_owned(),
                "this port speaks tls; connect with wss:// instead of ws://",
            ),
            Self::NotGet => (
                "405 Method Not Allowed",
                "Allow: GET\r\nConnection: close\r\n".to_owned(),
                "this is a signaling server; connect with a websocket client (ws:// or wss://)",
            ),
            Self::TooLong => (
                "431 Request Header Fields Too Large",
                "Connection: close\r\n".to_owned(),
                "request is longer than 16 KiB; send fewer cookies and headers",
            ),
            Self::Unreadable => (
                "400 Bad Request",
                "Connection: close\r\n".to_owned(),
                "request is no websocket handshake; see RFC 6455 section 4.1",
            ),
            Self::Full => (
                "503 Service Unavailable",
                format!("Retry-After: {RETRY_AFTER_SECONDS}\r\nConnection: close\r\n"),
                "server is full; try again later or raise limits.sockets",
            ),
        };
        let length = remedy.len() + 1;
        format!(
            "HTTP/1.1 {line}\r\n{headers}Content-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{remedy}\n"
        )
        .into_bytes()
    }
}

impl From<Error> for HttpRejection {
    fn from(error: Error) -> Self {
        match error {
            Error::Protocol(
                ProtocolError::MissingConnectionUpgradeHeader
                | ProtocolError::MissingUpgradeWebSocketHeader
                | ProtocolError::WrongHttpVersion,
            ) => Self::NotAnUpgrade,
            Error::Protocol(ProtocolError::MissingSecWebSocketVersionHeader) => Self::WrongVersion,
            Error::Protocol(ProtocolError::WrongHttpMethod) => Self::NotGet,
            Error::Capacity(_) => Self::TooLong,
            _ => Self::Unreadable,
        }
    }
}

/// Whether the empty line that ends a head has come; parsing before that would be repeated with every byte.
fn contains_end(head: &[u8]) -> bool {
    head.windows(4).any(|window| window == b"\r\n\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPGRADE: &str = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                           Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

    fn call(method: &str, headers: &str) -> Result<UpgradeRequest, HttpRejection> {
        UpgradeRequest::parse(format!("{method} / HTTP/1.1\r\nHost: x\r\n{headers}\r\nleft").as_bytes())
    }

    #[test]
    fn keeps_what_came_behind_the_request() {
        assert_eq!(call("GET", UPGRADE).unwrap().leftover, b"left");
    }

    #[test]
    fn each_fault_has_its_status() {
        let old = UPGRADE.replace("13", "8");
        let keyless = UPGRADE.replace("Sec-WebSocket-Key", "X-Key");
        let cases = [
            ("GET", "", 426),
            ("GET", old.as_str(), 426),
            ("GET", keyless.as_str(), 400),
            ("PUT", UPGRADE, 405),
        ];
        for (method, headers, status) in cases {
            assert_eq!(call(method, headers).unwrap_err().status(), status, "{method} {headers}");
        }
    }

    #[test]
    fn a_plain_client_makes_no_wish() {
        assert!(call("GET", UPGRADE).unwrap().wish.is_none());
    }

    #[test]
    fn an_unreadable_pass_is_a_wish_for_a_new_route() {
        let headers = format!("{UPGRADE}Rejoin-Version: 1\r\nRejoin-Resume: nonsense\r\n");
        assert!(matches!(call("GET", &headers).unwrap().wish, Some(ResumeRequest::NewRoute)));
    }

    #[tokio::test]
    async fn an_endless_head_is_refused() {
        let mut endless: &[u8] = &[b'x'; 2 * HEAD_BYTES];
        assert_eq!(UpgradeRequest::read(&mut endless).await.unwrap().unwrap_err(), HttpRejection::TooLong);
    }
}
