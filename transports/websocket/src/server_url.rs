//! The URL of a signaling server, split for dialling and redacted for logs.

use std::fmt;

use url::{Host, Position, Url};

/// The most characters of an invalid URL in a log, so that a pasted document does not fill it.
const MAX_SHOWN: usize = 100;

/// A `ws://` or `wss://` URL; its display form omits the query, which may contain secrets.
#[derive(Clone, Debug)]
pub(crate) struct ServerUrl {
    url: Url,
    host: Host<String>,
    port: u16,
}

impl ServerUrl {
    /// Returns the parsed URL, or the problem with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| error.to_string())?;
        if !matches!(url.scheme(), "ws" | "wss") {
            return Err(format!("the scheme \"{}\" is not supported", url.scheme()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a user name or password in it is not supported".to_owned());
        }
        match (url.host().map(|host| host.to_owned()), url.port_or_known_default()) {
            (Some(host), Some(port)) => Ok(Self { url, host, port }),
            (None, _) | (_, None) => Err("it has no host".to_owned()),
        }
    }

    /// Returns whether the URL requires TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.url.scheme() == "wss"
    }

    /// Returns the host.
    pub(crate) fn host(&self) -> &Host<String> {
        &self.host
    }

    /// Returns the port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Returns the value of the `Host` header, which omits a default port (RFC 6455 section 4.1).
    pub(crate) fn authority(&self) -> &str {
        &self.url[Position::BeforeHost..Position::AfterPort]
    }

    /// Returns the request target: path and query.
    pub(crate) fn target(&self) -> &str {
        &self.url[Position::BeforePath..Position::AfterQuery]
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.url.scheme(), self.authority(), self.url.path())
    }
}

/// Returns a text that may not be a URL, without user information and query.
pub(crate) fn redacted(text: &str) -> String {
    if let Ok(url) = ServerUrl::parse(text) {
        return url.to_string();
    }
    let scheme = text.find("://").map_or("", |end| &text[..end + 3]);
    let rest = &text[scheme.len()..];
    let public = rest.rfind('@').map_or(rest, |at| &rest[at + 1..]);
    let public = public.split(['?', '#']).next().unwrap_or_default();
    format!("{scheme}{public}").chars().take(MAX_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_ports_follow_the_scheme() {
        assert_eq!(ServerUrl::parse("ws://host").unwrap().port(), 80);
        assert_eq!(ServerUrl::parse("wss://host").unwrap().port(), 443);
    }

    #[test]
    fn the_target_keeps_the_query_and_the_display_form_omits_it() {
        let url = ServerUrl::parse("wss://host:444/path?token=hidden").unwrap();
        assert_eq!(url.target(), "/path?token=hidden");
        assert_eq!(url.authority(), "host:444");
        assert_eq!(url.to_string(), "wss://host:444/path");
    }

    #[test]
    fn an_unsupported_scheme_is_named() {
        let Err(problem) = ServerUrl::parse("https://host") else { panic!("accepted") };
        assert!(problem.contains("\"https\""), "{problem}");
    }

    #[test]
    fn passwords_are_rejected_and_redacted() {
        assert!(ServerUrl::parse("wss://me:hidden@host/").is_err());
        assert_eq!(redacted("wss://me:hidden@host/?a=b"), "wss://host/");
        assert_eq!(redacted("wss://me:hid?den@ho st/"), "wss://ho st/");
        assert_eq!(redacted("host:99999/?token=hidden"), "host:99999/");
    }

    #[test]
    fn header_injection_is_encoded() {
        assert!(!ServerUrl::parse("ws://host/a\r\nB: c").unwrap().target().contains(['\r', '\n', ' ']));
    }
}
