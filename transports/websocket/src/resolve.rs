//! Resolves a server's host name, with the last known addresses as a fallback while DNS is unreachable.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;
use url::Host;

use crate::interfaces::InterfaceChoice;
use crate::server_url::ServerUrl;

/// How long a lookup may take before the last known addresses are used.
///
/// A network that has lost the server has usually lost its name server too, and the system's own limit of 10 s and
/// more exceeds that of a whole dial.
const LOOKUP_TIMEOUT: Duration = Duration::from_millis(500);
/// The same while the default interface is suspect, and the name server with it: enough for a resolver nearby.
const SUSPECT_LOOKUP_TIMEOUT: Duration = Duration::from_millis(50);

/// The last known addresses of servers, by host name and port.
#[derive(Clone, Debug, Default)]
pub(crate) struct DnsCache(Arc<Mutex<BTreeMap<String, Entry>>>);

/// What is known about one host name and port.
#[derive(Debug, Default)]
struct Entry {
    /// The last DNS answer.
    answer: Vec<SocketAddr>,
    /// The address at which a WebSocket was opened last.
    opened: Option<SocketAddr>,
    /// The address that accepted the last connection without opening a WebSocket.
    failed: Option<SocketAddr>,
}

impl DnsCache {
    /// Returns the addresses of `server` in the resolver's order, and the address at which it was reached last.
    ///
    /// DNS answers may be wrong: a captive portal answers every name with its own address, and caches keep that.
    pub(crate) async fn resolve(
        &self,
        server: &ServerUrl,
        interfaces: InterfaceChoice,
    ) -> io::Result<Vec<SocketAddr>> {
        let port = server.port();
        match server.host() {
            Host::Domain(name) => {
                let limit = match interfaces {
                    InterfaceChoice::Default => LOOKUP_TIMEOUT,
                    InterfaceChoice::All => SUSPECT_LOOKUP_TIMEOUT,
                };
                let host = (name.clone(), port);
                let lookup = async { Ok(tokio::net::lookup_host(host).await?.collect::<Vec<_>>()) };
                self.look_up(key(server), limit, lookup).await
            }
            Host::Ipv4(address) => Ok(vec![SocketAddr::from((*address, port))]),
            Host::Ipv6(address) => Ok(vec![SocketAddr::from((*address, port))]),
        }
    }

    /// Records that a WebSocket to `server` was opened at `address`.
    pub(crate) fn on_opened(&self, server: &ServerUrl, address: SocketAddr) {
        self.update(key(server), |entry| (entry.opened, entry.failed) = (Some(address), None));
    }

    /// Records that `address` accepted a connection without opening a WebSocket: it is tried after the others.
    pub(crate) fn on_failed(&self, server: &ServerUrl, address: SocketAddr) {
        self.update(key(server), |entry| entry.failed = Some(address));
    }

    /// Runs a lookup and records its answer even after `limit`; if there is no usable answer within `limit`, returns
    /// the last known addresses.
    async fn look_up(
        &self,
        key: String,
        limit: Duration,
        lookup: impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
    ) -> io::Result<Vec<SocketAddr>> {
        let known = self.update(key.clone(), |entry| entry.addresses());
        let cache = self.clone();
        let lookup = tokio::spawn(async move {
            let answer = lookup.await?;
            Ok(cache.update(key, |entry| {
                if answer.is_empty() {
                    return answer;
                }
                entry.answer = answer;
                entry.addresses()
            }))
        });
        let lookup = async { lookup.await.unwrap_or_else(|error| Err(io::Error::other(error))) };
        let resolved = if known.is_empty() {
            lookup.await
        } else {
            timeout(limit, lookup).await.unwrap_or_else(|_| Ok(Vec::new()))
        };
        match resolved {
            Ok(addresses) if !addresses.is_empty() => Ok(addresses),
            Ok(_) | Err(_) if !known.is_empty() => Ok(known),
            Ok(_) => Err(io::Error::new(io::ErrorKind::NotFound, "it has no address")),
            Err(error) => Err(error),
        }
    }

    fn update<T>(&self, key: String, change: impl FnOnce(&mut Entry) -> T) -> T {
        change(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default())
    }
}

impl Entry {
    fn addresses(&self) -> Vec<SocketAddr> {
        let earlier = self.opened.filter(|opened| !self.answer.contains(opened));
        let mut addresses: Vec<_> = self.answer.iter().copied().chain(earlier).collect();
        addresses.sort_by_key(|address| self.failed == Some(*address));
        addresses
    }
}

fn key(server: &ServerUrl) -> String {
    format!("{}:{}", server.host(), server.port())
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_silent_name_server_is_replaced_by_the_last_answer() {
        let cache = cache().await;
        assert_eq!(cache.look_up(name(), LOOKUP_TIMEOUT, pending()).await.unwrap(), [address()]);
    }

    #[tokio::test]
    async fn an_empty_or_failed_answer_is_replaced_by_the_last_one() {
        let cache = cache().await;
        assert_eq!(cache.look_up(name(), LOOKUP_TIMEOUT, ready(Ok(Vec::new()))).await.unwrap(), [address()]);
        let error = io::ErrorKind::NotFound.into();
        assert_eq!(cache.look_up(name(), LOOKUP_TIMEOUT, ready(Err(error))).await.unwrap(), [address()]);
    }

    #[tokio::test]
    async fn a_new_answer_replaces_the_old() {
        let cache = cache().await;
        let moved = "192.0.2.2:443".parse().unwrap();
        assert_eq!(cache.look_up(name(), LOOKUP_TIMEOUT, ready(Ok(vec![moved]))).await.unwrap(), [moved]);
        assert_eq!(cache.look_up(name(), LOOKUP_TIMEOUT, ready(Ok(Vec::new()))).await.unwrap(), [moved]);
    }

    #[tokio::test]
    async fn the_last_opened_address_is_tried_after_a_new_answer() {
        let cache = cache().await;
        let server = ServerUrl::parse("wss://signaling.example").unwrap();
        cache.on_opened(&server, address());
        let wrong = "192.0.2.66:443".parse().unwrap();
        assert_eq!(
            cache.look_up(name(), LOOKUP_TIMEOUT, ready(Ok(vec![wrong]))).await.unwrap(),
            [wrong, address()]
        );
        cache.on_failed(&server, wrong);
        assert_eq!(
            cache.look_up(name(), LOOKUP_TIMEOUT, ready(Ok(vec![wrong]))).await.unwrap(),
            [address(), wrong]
        );
        cache.on_opened(&server, address());
        assert_eq!(
            cache.look_up(name(), LOOKUP_TIMEOUT, ready(Ok(vec![address()]))).await.unwrap(),
            [address()]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_after_the_limit_is_recorded() {
        let cache = cache().await;
        let moved: SocketAddr = "192.0.2.2:443".parse().unwrap();
        let (answer, awaited) = oneshot::channel();
        let late = async { Ok(awaited.await.unwrap()) };

        assert_eq!(cache.look_up(name(), LOOKUP_TIMEOUT, late).await.unwrap(), [address()]);
        answer.send(vec![moved]).unwrap();

        while cache.update(name(), |entry| entry.addresses()) != [moved] {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn an_unknown_name_is_an_error() {
        let cache = DnsCache::default();
        let error = cache.look_up(name(), LOOKUP_TIMEOUT, ready(Ok(Vec::new()))).await.unwrap_err();
        assert_eq!(error.to_string(), "it has no address");
    }

    async fn cache() -> DnsCache {
        let cache = DnsCache::default();
        cache.look_up(name(), LOOKUP_TIMEOUT, ready(Ok(vec![address()]))).await.unwrap();
        cache
    }

    fn name() -> String {
        "signaling.example:443".to_owned()
    }

    fn address() -> SocketAddr {
        "192.0.2.1:443".parse().unwrap()
    }
}
