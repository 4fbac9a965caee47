//! The HTTP upgrade (RFC 6455 section 4), by hand because tungstenite's writes the whole request, secret included, into its log.

use std::time::SystemTime;

use httparse::{Response, Status};
use rejoin_core::SignalingAddress;
use rejoin_core::port::Resumption;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::refusal::Refusal;
use crate::retry_after;
use crate::server_url::ServerUrl;

/// The longest response head: what common servers and proxies allow for a request head.
const MAX_HEAD: usize = 16 * 1024;
/// The most headers of a response: proxies add a few dozen at most.
const MAX_HEADERS: usize = 100;
/// The first byte of a TLS alert record, which a TLS server sends when spoken to in the clear (RFC 8446 section 5.1).
const TLS_ALERT: u8 = 21;

/// What the server said when it switched to WebSocket.
#[derive(Debug)]
pub(crate) struct Upgraded {
    /// Our address and its secret, where the server told them.
    pub(crate) resumption: Option<Resumption>,
    /// Whether the server gave back the address that we asked for.
    pub(crate) resumed: bool,
    /// The bytes after the head: the first frames.
    pub(crate) rest: Vec<u8>,
}

/// Asks for the upgrade and reads the answer.
pub(crate) async fn upgrade(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    server: &ServerUrl,
    resume: Option<&Resumption>,
) -> Result<Upgraded, Refusal> {
    let key = generate_key();
    stream.write_all(request(server, &key, resume).as_bytes()).await.map_err(Refusal::Broken)?;
    stream.flush().await.map_err(Refusal::Broken)?;
    let mut head = Vec::with_capacity(1024);
    loop {
        if stream.read_buf(&mut head).await.map_err(Refusal::Broken)? == 0 {
            return Err(Refusal::NotWebSocket("it closed the connection without an answer".to_owned()));
        }
        if let Some(upgraded) = read_head(&head, &derive_accept_key(key.as_bytes()), resume)? {
            return Ok(upgraded);
        }
        if head.len() >= MAX_HEAD {
            return Err(Refusal::NotWebSocket(format!("its answer's head exceeds {MAX_HEAD} bytes")));
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

/// Returns whether `text` can stand in a header as one word, so that nothing can be smuggled in behind it.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Returns the verdict on a whole head, or `None` while some of it is missing.
fn read_head(head: &[u8], accept: &str, asked: Option<&Resumption>) -> Result<Option<Upgraded>, Refusal> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = Response::new(&mut headers);
    let length = match response.parse(head) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(_) if head.first() == Some(&TLS_ALERT) => {
            return Err(Refusal::NotWebSocket("it answers in TLS, so its URL begins with wss://".to_owned()));
        }
        Err(error) => return Err(Refusal::NotWebSocket(format!("its answer is not HTTP ({error})"))),
    };
    let answer = Answer(response);
    answer.check(accept)?;
    let told = answer.word("Rejoin-Route").zip(answer.word("Rejoin-Secret"));
    let told = told.map(|(address, secret)| Resumption {
        address: SignalingAddress(address.into()),
        secret: secret.into(),
    });
    let resumed = asked.is_some() && answer.word("Rejoin-Resumed") == Some("1");
    let resumption = told.or_else(|| asked.filter(|_| resumed).cloned());
    Ok(Some(Upgraded { resumption, resumed, rest: head.get(length..).unwrap_or_default().to_vec() }))
}

/// A parsed response head.
struct Answer<'h, 'b>(Response<'h, 'b>);

impl Answer<'_, '_> {
    fn check(&self, accept: &str) -> Result<(), Refusal> {
        let status = self.0.code.unwrap_or_default();
        if status != 101 {
            let retry_after = self.value("Retry-After");
            return Err(Refusal::Status {
                status,
                retry_after: retry_after
                    .and_then(|value| retry_after::parse(value, self.value("Date"), SystemTime::now())),
                location: self.value("Location").map(str::to_owned),
            });
        }
        let missing = |what: &str| Refusal::NotWebSocket(format!("its answer {what}"));
        if !self.lists("Upgrade", "websocket") || !self.lists("Connection", "upgrade") {
            return Err(missing("switches to another protocol than WebSocket"));
        }
        if self.value("Sec-WebSocket-Accept") != Some(accept) {
            return Err(missing("does not fit our key (Sec-WebSocket-Accept)"));
        }
        for unasked in ["Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"] {
            if self.value(unasked).is_some_and(|value| !value.is_empty()) {
                return Err(missing(&format!("chooses what we did not offer ({unasked})")));
            }
        }
        Ok(())
    }

    fn value(&self, name: &str) -> Option<&str> {
        let header = self.0.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok().map(str::trim)
    }

    fn word(&self, name: &str) -> Option<&str> {
        self.value(name).filter(|value| is_token(value))
    }

    /// Returns whether a comma-separated header holds `token`, in any case.
    fn lists(&self, name: &str, token: &str) -> bool {
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

    fn verdict(head: &str, asked: Option<&Resumption>) -> Result<Option<Upgraded>, Refusal> {
        read_head(head.as_bytes(), "KEY", asked)
    }

    fn asked() -> Resumption {
        Resumption { address: SignalingAddress("old".into()), secret: "hush".into() }
    }

    #[test]
    fn a_half_head_is_waited_for() {
        assert!(matches!(verdict(GOOD, None), Ok(None)));
    }

    #[test]
    fn frames_behind_the_head_are_kept() {
        let upgraded = verdict(&format!("{GOOD}\r\nframes"), None).unwrap().unwrap();
        assert_eq!(upgraded.rest, b"frames");
        assert_eq!(upgraded.resumption, None);
    }

    #[test]
    fn a_resumed_route_is_still_ours_if_the_server_does_not_repeat_it() {
        let upgraded = verdict(&format!("{GOOD}Rejoin-Resumed: 1\r\n\r\n"), Some(&asked())).unwrap().unwrap();
        assert!(upgraded.resumed);
        assert_eq!(upgraded.resumption, Some(asked()));
    }

    #[test]
    fn nothing_is_resumed_unasked() {
        let upgraded = verdict(&format!("{GOOD}Rejoin-Resumed: 1\r\n\r\n"), None).unwrap().unwrap();
        assert!(!upgraded.resumed);
    }

    #[test]
    fn a_wrong_key_is_refused() {
        let head = GOOD.replace("KEY", "OTHER");
        assert!(matches!(verdict(&format!("{head}\r\n"), None), Err(Refusal::NotWebSocket(_))));
    }

    #[test]
    fn an_unasked_extension_is_refused() {
        let head = format!("{GOOD}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
        assert!(matches!(verdict(&head, None), Err(Refusal::NotWebSocket(_))));
    }

    #[test]
    fn a_tls_alert_points_to_wss() {
        let verdict = read_head(&[TLS_ALERT, 3, 3, 0, 2, 2, 70], "KEY", None);
        let Err(Refusal::NotWebSocket(problem)) = verdict else { panic!("accepted") };
        assert!(problem.contains("wss://"), "{problem}");
    }

    #[test]
    fn a_secret_with_a_line_break_is_left_out() {
        let server = ServerUrl::parse("ws://host/").unwrap();
        let evil = Resumption { address: SignalingAddress("old".into()), secret: "a\r\nB: c".into() };
        assert!(!request(&server, "KEY", Some(&evil)).contains("B: c"));
        assert!(request(&server, "KEY", Some(&asked())).contains("\r\nRejoin-Resume: old hush\r\n"));
    }
}
