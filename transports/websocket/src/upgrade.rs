//! The HTTP upgrade (RFC 6455 section 4); not tungstenite's, because that logs the whole request with the secret.

use std::time::SystemTime;

use httparse::{Response, Status};
use rejoin_core::SignalingAddress;
use rejoin_core::port::Resumption;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::dial_error::DialError;
use crate::retry_after;
use crate::server_url::ServerUrl;

/// The longest response head: the limit of common servers and proxies for request heads.
const MAX_HEAD: usize = 16 * 1024;
/// The most headers of a response: proxies add a few dozen at most.
const MAX_HEADERS: usize = 100;
/// The first byte of a TLS alert record, which a TLS server sends to a client without TLS (RFC 8446 section 5.1).
const TLS_ALERT: u8 = 21;

/// The result of a successful upgrade.
#[derive(Debug)]
pub(crate) struct Upgraded {
    /// Our address and its secret, if the server assigned them.
    pub(crate) resumption: Option<Resumption>,
    /// Whether the server gave back the requested address.
    pub(crate) resumed: bool,
    /// The bytes after the response head: the first frames.
    pub(crate) rest: Vec<u8>,
}

/// Requests the upgrade and reads the response.
pub(crate) async fn upgrade(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    server: &ServerUrl,
    resume: Option<&Resumption>,
) -> Result<Upgraded, DialError> {
    let key = generate_key();
    stream.write_all(request(server, &key, resume).as_bytes()).await.map_err(DialError::Broken)?;
    stream.flush().await.map_err(DialError::Broken)?;
    let mut head = Vec::with_capacity(1024);
    loop {
        if stream.read_buf(&mut head).await.map_err(DialError::Broken)? == 0 {
            return Err(DialError::NotWebSocket("it closed the connection without an answer".to_owned()));
        }
        if let Some(upgraded) = read_head(&head, &derive_accept_key(key.as_bytes()), resume)? {
            return Ok(upgraded);
        }
        if head.len() >= MAX_HEAD {
            return Err(DialError::NotWebSocket(format!("the head of its answer exceeds {MAX_HEAD} bytes")));
        }
    }
}

fn request(server: &ServerUrl, key: &str, resume: Option<&Resumption>) -> String {
    let resume = resume
        .filter(|resume| is_token(&resume.address.0) && is_token(&resume.secret))
        .map(|resume| format!("Rejoin-Resume: {} {}\r\n", resume.address, resume.secret))
        .unwrap_or_default();
    format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nRejoin-Version: 1\r\n{resume}\r\n",
        target = server.target(),
        host = server.authority(),
    )
}

/// Returns whether `text` is one word of a header, so that it cannot inject another header.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Parses a response head, and returns `None` while it is incomplete.
fn read_head(head: &[u8], accept: &str, resume: Option<&Resumption>) -> Result<Option<Upgraded>, DialError> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = Response::new(&mut headers);
    let length = match response.parse(head) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(_) if head.first() == Some(&TLS_ALERT) => {
            return Err(DialError::NotWebSocket("it answers with TLS; use wss:// in its URL".to_owned()));
        }
        Err(error) => return Err(DialError::NotWebSocket(format!("its answer is not HTTP ({error})"))),
    };
    let response = UpgradeResponse(response);
    response.check(accept)?;
    let assigned = response.token("Rejoin-Route").zip(response.token("Rejoin-Secret"));
    let assigned = assigned.map(|(address, secret)| Resumption {
        address: SignalingAddress(address.into()),
        secret: secret.into(),
    });
    let resumed = resume.is_some() && response.token("Rejoin-Resumed") == Some("1");
    let resumption = assigned.or_else(|| resume.filter(|_| resumed).cloned());
    Ok(Some(Upgraded { resumption, resumed, rest: head.get(length..).unwrap_or_default().to_vec() }))
}

/// A parsed response head.
struct UpgradeResponse<'h, 'b>(Response<'h, 'b>);

impl UpgradeResponse<'_, '_> {
    fn check(&self, accept: &str) -> Result<(), DialError> {
        let status = self.0.code.unwrap_or_default();
        if status != 101 {
            let retry_after = self.value("Retry-After");
            return Err(DialError::Status {
                status,
                retry_after: retry_after
                    .and_then(|value| retry_after::parse(value, self.value("Date"), SystemTime::now())),
                location: self.value("Location").map(str::to_owned),
            });
        }
        let invalid = |problem: &str| DialError::NotWebSocket(format!("its answer {problem}"));
        if !self.has_token("Upgrade", "websocket") || !self.has_token("Connection", "upgrade") {
            return Err(invalid("switches to another protocol than WebSocket"));
        }
        if self.value("Sec-WebSocket-Accept") != Some(accept) {
            return Err(invalid("does not match our key (Sec-WebSocket-Accept)"));
        }
        for unrequested in ["Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"] {
            if self.value(unrequested).is_some_and(|value| !value.is_empty()) {
                return Err(invalid(&format!("chooses an option that we did not offer ({unrequested})")));
            }
        }
        Ok(())
    }

    fn value(&self, name: &str) -> Option<&str> {
        let header = self.0.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok().map(str::trim)
    }

    fn token(&self, name: &str) -> Option<&str> {
        self.value(name).filter(|value| is_token(value))
    }

    /// Returns whether a comma-separated header contains `token`, ignoring case.
    fn has_token(&self, name: &str, token: &str) -> bool {
        let values = self.0.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        values
            .filter_map(|header| std::str::from_utf8(header.value).ok())
            .flat_map(|value| value.split(','))
            .any(|word| word.trim().eq_ignore_ascii_case(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\n\
                        connection: keep-alive, Upgrade\r\nsec-websocket-accept: KEY\r\n";

    fn parse(head: &str, resume: Option<&Resumption>) -> Result<Option<Upgraded>, DialError> {
        read_head(head.as_bytes(), "KEY", resume)
    }

    fn resumption() -> Resumption {
        Resumption { address: SignalingAddress("old".into()), secret: "hidden".into() }
    }

    #[test]
    fn an_incomplete_head_is_read_further() {
        assert!(matches!(parse(GOOD, None), Ok(None)));
    }

    #[test]
    fn frames_after_the_head_are_kept() {
        let upgraded = parse(&format!("{GOOD}\r\nframes"), None).unwrap().unwrap();
        assert_eq!(upgraded.rest, b"frames");
        assert_eq!(upgraded.resumption, None);
    }

    #[test]
    fn a_resumed_route_is_still_ours_if_the_server_does_not_repeat_it() {
        let upgraded =
            parse(&format!("{GOOD}Rejoin-Resumed: 1\r\n\r\n"), Some(&resumption())).unwrap().unwrap();
        assert!(upgraded.resumed);
        assert_eq!(upgraded.resumption, Some(resumption()));
    }

    #[test]
    fn an_unrequested_resumption_is_ignored() {
        let upgraded = parse(&format!("{GOOD}Rejoin-Resumed: 1\r\n\r\n"), None).unwrap().unwrap();
        assert!(!upgraded.resumed);
    }

    #[test]
    fn a_wrong_key_is_rejected() {
        let head = GOOD.replace("KEY", "OTHER");
        assert!(matches!(parse(&format!("{head}\r\n"), None), Err(DialError::NotWebSocket(_))));
    }

    #[test]
    fn an_unrequested_extension_is_rejected() {
        let head = format!("{GOOD}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
        assert!(matches!(parse(&head, None), Err(DialError::NotWebSocket(_))));
    }

    #[test]
    fn a_tls_alert_names_the_wss_scheme() {
        let result = read_head(&[TLS_ALERT, 3, 3, 0, 2, 2, 70], "KEY", None);
        let Err(DialError::NotWebSocket(problem)) = result else { panic!("accepted") };
        assert!(problem.contains("wss://"), "{problem}");
    }

    #[test]
    fn a_secret_with_a_line_break_is_not_sent() {
        let server = ServerUrl::parse("ws://host/").unwrap();
        let malicious = Resumption { address: SignalingAddress("old".into()), secret: "a\r\nB: c".into() };
        assert!(!request(&server, "KEY", Some(&malicious)).contains("B: c"));
        assert!(request(&server, "KEY", Some(&resumption())).contains("\r\nRejoin-Resume: old hidden\r\n"));
    }
}
