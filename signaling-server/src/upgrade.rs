//! The HTTP upgrade: reads a request, and answers with the upgrade or an error.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::machine::TryParse;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response, create_response, write_response};
use tokio_tungstenite::tungstenite::http::HeaderValue;

use crate::dialect::{Admission, AdmissionError, ResumeRequest};

/// The request header of clients that support resuming; its value is `1`.
pub const REJOIN_VERSION: &str = "rejoin-version";
/// The request header that asks for an earlier UUID: `<uuid> <secret>`.
pub const REJOIN_RESUME: &str = "rejoin-resume";
/// The response header with the socket's UUID.
pub const REJOIN_ROUTE: &str = "rejoin-route";
/// The response header with the secret that proves ownership of the UUID.
pub const REJOIN_SECRET: &str = "rejoin-secret";
/// The response header that is `1` if the UUID is the requested one.
pub const REJOIN_RESUMED: &str = "rejoin-resumed";

/// Longest request; browsers with many cookies stay below.
const HEAD_BYTES: usize = 16 * 1024;

/// A request for a WebSocket.
#[derive(Debug)]
pub(crate) struct UpgradeRequest {
    response: Response,
    /// Present if the client supports resuming.
    pub(crate) resume: Option<ResumeRequest>,
    /// Bytes that the client sent after its request.
    pub(crate) leftover: Vec<u8>,
}

/// The reason why a request gets no WebSocket.
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
    /// Reads one request; the caller sets the time limit.
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
        Ok(Self { response, resume: resume_request(&request), leftover })
    }

    /// Returns the bytes that turn the connection into a WebSocket.
    pub(crate) fn accept(mut self, admission: &Admission) -> io::Result<Vec<u8>> {
        let headers = self.response.headers_mut();
        if let Some(token) = &admission.token {
            let value = |text: &str| HeaderValue::from_str(text).map_err(io::Error::other);
            headers.insert(REJOIN_ROUTE, value(&token.route.to_string())?);
            headers.insert(REJOIN_SECRET, value(&token.secret.to_hex())?);
            if admission.resumed {
                headers.insert(REJOIN_RESUMED, HeaderValue::from_static("1"));
            }
        }
        let mut bytes = Vec::new();
        write_response(&mut bytes, &self.response).map_err(io::Error::other)?;
        Ok(bytes)
    }
}

impl HttpRejection {
    pub(crate) fn status(self) -> u16 {
        self.parts().0
    }

    /// Returns the whole response.
    pub(crate) fn response(self) -> Vec<u8> {
        let (status, reason, headers, remedy) = self.parts();
        let length = remedy.len() + 1;
        format!(
            "HTTP/1.1 {status} {reason}\r\n{headers}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{remedy}\n"
        )
        .into_bytes()
    }

    /// Returns status, reason, headers and remedy.
    fn parts(self) -> (u16, &'static str, &'static str, &'static str) {
        const USE_WEBSOCKET: &str =
            "this is a signaling server; connect with a websocket client (ws:// or wss://)";
        match self {
            Self::NotAnUpgrade => {
                (426, "Upgrade Required", "Upgrade: websocket\r\nConnection: Upgrade, close", USE_WEBSOCKET)
            }
            Self::WrongVersion => (
                426,
                "Upgrade Required",
                "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade, close",
                "websocket version is not 13; use a client that implements RFC 6455",
            ),
            // RFC 2817 section 4.2 defines this answer to requests that require TLS.
            Self::NotTls => (
                426,
                "Upgrade Required",
                "Upgrade: TLS/1.2, HTTP/1.1\r\nConnection: Upgrade, close",
                "this port requires tls; connect with wss:// instead of ws://",
            ),
            Self::NotGet => (405, "Method Not Allowed", "Allow: GET\r\nConnection: close", USE_WEBSOCKET),
            Self::TooLong => (
                431,
                "Request Header Fields Too Large",
                "Connection: close",
                "request is longer than 16 KiB; send fewer cookies and headers",
            ),
            Self::Unreadable => (
                400,
                "Bad Request",
                "Connection: close",
                "request is not a websocket handshake; see RFC 6455 section 4.1",
            ),
            // Five seconds are enough for a few sockets to close, and short enough for a waiting client.
            Self::Full => (
                503,
                "Service Unavailable",
                "Retry-After: 5\r\nConnection: close",
                "server is full; try again later or raise limits.sockets",
            ),
        }
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

impl From<AdmissionError> for HttpRejection {
    fn from(_: AdmissionError) -> Self {
        // A taken route is a one-in-2^122 accident; another attempt gets another route.
        Self::Full
    }
}

/// Reads the headers of clients that support resuming.
fn resume_request(request: &Request) -> Option<ResumeRequest> {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    if text(REJOIN_VERSION)?.trim() != "1" {
        return None;
    }
    let token = text(REJOIN_RESUME).and_then(|resume| resume.parse().ok());
    Some(token.map_or(ResumeRequest::NewRoute, ResumeRequest::Resume))
}

/// Whether the empty line after the headers has arrived; an earlier attempt to parse would be repeated per byte.
fn contains_end(head: &[u8]) -> bool {
    head.windows(4).any(|window| window == b"\r\n\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPGRADE: &str = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                           Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

    fn parse(method: &str, headers: &str) -> Result<UpgradeRequest, HttpRejection> {
        UpgradeRequest::parse(format!("{method} / HTTP/1.1\r\nHost: x\r\n{headers}\r\nleft").as_bytes())
    }

    #[test]
    fn keeps_the_bytes_after_the_request() {
        assert_eq!(parse("GET", UPGRADE).unwrap().leftover, b"left");
    }

    #[test]
    fn each_invalid_request_has_its_status() {
        let old = UPGRADE.replace("13", "8");
        let keyless = UPGRADE.replace("Sec-WebSocket-Key", "X-Key");
        let cases = [
            ("GET", "", 426),
            ("GET", old.as_str(), 426),
            ("GET", keyless.as_str(), 400),
            ("PUT", UPGRADE, 405),
        ];
        for (method, headers, status) in cases {
            assert_eq!(parse(method, headers).unwrap_err().status(), status, "{method} {headers}");
        }
    }

    #[test]
    fn a_client_without_the_headers_does_not_resume() {
        assert!(parse("GET", UPGRADE).unwrap().resume.is_none());
    }

    #[test]
    fn an_unreadable_token_requests_a_new_route() {
        let headers = format!("{UPGRADE}Rejoin-Version: 1\r\nRejoin-Resume: nonsense\r\n");
        assert!(matches!(parse("GET", &headers).unwrap().resume, Some(ResumeRequest::NewRoute)));
    }

    #[tokio::test]
    async fn an_endless_head_is_refused() {
        let mut endless: &[u8] = &[b'x'; 2 * HEAD_BYTES];
        assert_eq!(UpgradeRequest::read(&mut endless).await.unwrap().unwrap_err(), HttpRejection::TooLong);
    }
}
