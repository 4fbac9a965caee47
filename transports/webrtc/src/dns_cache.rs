//! The addresses of STUN and TURN servers, resolved outside the engine's driver task.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rejoin_core::IceServer;
use tokio::task::JoinSet;
use tokio::time;

/// How long a new connection waits for names that were never resolved.
///
/// A reachable resolver answers in a tenth of that; without one the host candidates must not wait longer.
const LOOKUP_TIMEOUT: Duration = Duration::from_millis(500);

/// The addresses of host names, shared by all connections.
///
/// The engine resolves names on the task that also drives ICE, DTLS and SCTP, where a dead resolver would stop
/// everything for many seconds; so it gets answers from this cache only.
#[derive(Clone, Debug, Default)]
pub(crate) struct DnsCache(Arc<Mutex<BTreeMap<String, Vec<IpAddr>>>>);

impl DnsCache {
    /// Looks up the hosts of `servers` again and waits for those that are unknown, for half a second at most.
    ///
    /// A late answer is kept for the next gathering; a failed lookup leaves the last answer in place.
    pub(crate) async fn look_up(&self, servers: &[IceServer]) {
        let mut unknown = JoinSet::new();
        for host in servers.iter().flat_map(|server| &server.urls).filter_map(|url| host(url)) {
            if host.parse::<IpAddr>().is_ok() {
                continue;
            }
            let lookup = tokio::spawn(self.clone().refresh(host.to_owned()));
            if self.known(host).is_none() {
                unknown.spawn(lookup);
            }
        }
        // Only the waiting ends here; the lookups themselves go on.
        let _ = time::timeout(LOOKUP_TIMEOUT, unknown.join_all()).await;
    }

    /// Returns the cached addresses of `target`, a `host:port`.
    ///
    /// The engine writes the address of an IPv6 TURN server without brackets.
    pub(crate) fn resolve(&self, target: &str) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = target.parse() {
            return Ok(vec![address]);
        }
        let (host, port) = target.rsplit_once(':').unwrap_or((target, ""));
        let literal = host.parse::<IpAddr>().ok().map(|ip| vec![ip]);
        match (literal.or_else(|| self.known(host)), port.parse()) {
            (Some(addresses), Ok(port)) => {
                Ok(addresses.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
            }
            (Some(_) | None, _) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("\"{host}\" is not resolved yet; check the resolver"),
            )),
        }
    }

    async fn refresh(self, host: String) {
        let found = tokio::net::lookup_host((host.as_str(), 0)).await;
        match found.map(|found| found.map(|address| address.ip()).collect()) {
            Ok(addresses) => {
                self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(host, addresses);
            }
            Err(error) => tracing::debug!(%host, %error, "a server's name did not resolve"),
        }
    }

    fn known(&self, host: &str) -> Option<Vec<IpAddr>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(host).cloned()
    }
}

/// Returns the host of a STUN or TURN URL (RFC 7064, RFC 7065): `scheme:host[:port][?transport=…]`.
fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once(':')?;
    let authority = rest.split('?').next()?;
    let host = match authority.strip_prefix('[') {
        Some(literal) => literal.split(']').next()?,
        None => authority.split(':').next()?,
    };
    Some(host).filter(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_the_host_of_a_url() {
        assert_eq!(host("stun:stun.example:3478"), Some("stun.example"));
        assert_eq!(host("turn:relay.example?transport=udp"), Some("relay.example"));
        assert_eq!(host("turns:[2001:db8::1]:443"), Some("2001:db8::1"));
        assert_eq!(host("nonsense"), None);
    }

    #[tokio::test]
    async fn resolves_from_the_last_lookup() {
        let cache = DnsCache::default();
        let server = IceServer { urls: vec!["stun:localhost:3478".to_owned()], ..IceServer::default() };
        assert!(cache.resolve("localhost:3478").is_err());
        cache.look_up(&[server]).await;
        let addresses = cache.resolve("localhost:3478").expect("localhost resolves");
        assert!(addresses.iter().all(|address| address.ip().is_loopback() && address.port() == 3478));
    }

    #[test]
    fn resolves_literal_addresses_without_a_lookup() {
        let cache = DnsCache::default();
        for (target, expected) in [
            ("192.0.2.1:3478", "192.0.2.1:3478"),
            ("[2001:db8::b]:3478", "[2001:db8::b]:3478"),
            ("2001:db8::b:3478", "[2001:db8::b]:3478"),
        ] {
            let expected: SocketAddr = expected.parse().expect("an address");
            assert_eq!(cache.resolve(target).expect("literal"), [expected]);
        }
    }
}
