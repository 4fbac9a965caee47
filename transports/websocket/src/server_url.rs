//! The URL of a signaling server, split into what dialling needs and what logs may show.

use std::fmt;

use url::{Host, Position, Url};

use crate::refusal::Refusal;

/// The longest unreadable URL that is shown, so that a pasted document does not fill the log.
const LONGEST_SHOWN: usize = 100;

/// A `ws://` or `wss://` URL; displayed without query, which may hold secrets.
#[derive(Clone, Debug)]
pub(crate) struct ServerUrl {
    url: Url,
    host: Host<String>,
    port: u16,
}

impl ServerUrl {
    /// Returns the parsed URL, or what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let url = Url::parse(text).map_err(|error| Refusal::BadUrl(error.to_string()))?;
        if !matches!(url.scheme(), "ws" | "wss") {
            return Err(Refusal::BadUrl(format!("the scheme \"{}\" is not supported", url.scheme())));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::BadUrl("a user name or password in it is not supported".to_owned()));
        }
        match (url.host().map(|host| host.to_owned()), url.port_or_known_default()) {
            (Some(host), Some(port)) => Ok(Self { url, host, port }),
            (None, _) | (_, None) => Err(Refusal::BadUrl("it names no host".to_owned())),
        }
    }

    /// Returns whether TLS is asked for.
    pub(crate) fn is_secure(&self) -> bool {
        self.url.scheme() == "wss"
    }

    /// Returns the host to resolve or to dial.
    pub(crate) fn host(&self) -> &Host<String> {
        &self.host
    }

    /// Returns the port to dial.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Returns the value of the `Host` header: a default port is left out (RFC 6455 section 4.1).
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

/// Returns what may be shown of a URL that is not known to be one.
pub(crate) fn shown(text: &str) -> String {
    if let Ok(url) = ServerUrl::parse(text) {
        return url.to_string();
    }
    let scheme = text.find("://").map_or("", |end| &text[..end + 3]);
    let rest = &text[scheme.len()..];
    let public = rest.rfind('@').map_or(rest, |at| &rest[at + 1..]);
    let public = public.split(['?', '#']).next().unwrap_or_default();
    format!("{scheme}{public}").chars().take(LONGEST_SHOWN).collect()
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
    fn the_request_keeps_the_query_that_logs_do_not_show() {
        let url = ServerUrl::parse("wss://host:444/path?token=hush").unwrap();
        assert_eq!(url.target(), "/path?token=hush");
        assert_eq!(url.authority(), "host:444");
        assert_eq!(url.to_string(), "wss://host:444/path");
    }

    #[test]
    fn other_schemes_are_named() {
        let Err(Refusal::BadUrl(problem)) = ServerUrl::parse("https://host") else { panic!("accepted") };
        assert!(problem.contains("\"https\""), "{problem}");
    }

    #[test]
    fn passwords_are_refused_and_not_shown() {
        assert!(ServerUrl::parse("wss://me:hush@host/").is_err());
        assert_eq!(shown("wss://me:hush@host/?a=b"), "wss://host/");
        assert_eq!(shown("wss://me:hu?sh@ho st/"), "wss://ho st/");
        assert_eq!(shown("host:99999/?token=hush"), "host:99999/");
    }

    #[test]
    fn header_injection_is_encoded() {
        assert!(!ServerUrl::parse("ws://host/a\r\nB: c").unwrap().target().contains(['\r', '\n', ' ']));
    }
}
