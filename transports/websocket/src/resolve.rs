//! From the name in a server's URL to its addresses, also while the name server cannot be reached.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;
use url::Host;

use crate::dial::Ways;
use crate::refusal::Refusal;
use crate::server_url::ServerUrl;

/// How long a name server may take before the addresses that it gave last are used; a network that has lost its
/// server mostly lost its name server too, and the system's own limit of 10 s and more outlasts a whole dial.
const PATIENCE: Duration = Duration::from_millis(500);
/// The same where the usual way is in doubt, and the name server with it: more than a resolver nearby takes.
const PATIENCE_IN_DOUBT: Duration = Duration::from_millis(50);

/// The names of servers, with where they were.
#[derive(Clone, Debug, Default)]
pub(crate) struct AddressBook(Arc<Mutex<BTreeMap<String, Known>>>);

/// What is known of a name.
#[derive(Debug, Default)]
struct Known {
    /// The addresses that it had last.
    answer: Vec<SocketAddr>,
    /// Where the server was when it was reached last.
    served: Option<SocketAddr>,
    /// Where somebody took the last connection who was not the server.
    stranger: Option<SocketAddr>,
}

impl AddressBook {
    /// Returns the addresses of `server` in the resolver's order, and where it was reached last.
    ///
    /// Name servers lie: a captive portal has the address of every name, and what it says may outlast it in a cache.
    pub(crate) async fn resolve(&self, server: &ServerUrl, ways: Ways) -> Result<Vec<SocketAddr>, Refusal> {
        let port = server.port();
        match server.host() {
            Host::Domain(name) => {
                let patience = match ways {
                    Ways::Usual => PATIENCE,
                    Ways::Every => PATIENCE_IN_DOUBT,
                };
                let host = (name.clone(), port);
                let lookup = async { Ok(tokio::net::lookup_host(host).await?.collect::<Vec<_>>()) };
                self.look_up(entry(server), patience, lookup).await.map_err(Refusal::Resolve)
            }
            Host::Ipv4(address) => Ok(vec![SocketAddr::from((*address, port))]),
            Host::Ipv6(address) => Ok(vec![SocketAddr::from((*address, port))]),
        }
    }

    /// Notes that `server` was reached at `address`.
    pub(crate) fn served(&self, server: &ServerUrl, address: SocketAddr) {
        self.about(entry(server), |known| (known.served, known.stranger) = (Some(address), None));
    }

    /// Notes that a connection to `address` led to nothing: it is tried after the others.
    pub(crate) fn failed(&self, server: &ServerUrl, address: SocketAddr) {
        self.about(entry(server), |known| known.stranger = Some(address));
    }

    /// Asks, and notes the answer, however late it comes; without one in time, or with a bad one, the last one counts.
    async fn look_up(
        &self,
        name: String,
        patience: Duration,
        lookup: impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
    ) -> io::Result<Vec<SocketAddr>> {
        let noted = self.about(name.clone(), |known| known.ways());
        let book = self.clone();
        let lookup = tokio::spawn(async move {
            let answer = lookup.await?;
            Ok(book.about(name, |known| {
                if answer.is_empty() {
                    return answer;
                }
                known.answer = answer;
                known.ways()
            }))
        });
        let lookup = async { lookup.await.unwrap_or_else(|error| Err(io::Error::other(error))) };
        let asked = if noted.is_empty() {
            lookup.await
        } else {
            timeout(patience, lookup).await.unwrap_or_else(|_| Ok(Vec::new()))
        };
        match asked {
            Ok(ways) if !ways.is_empty() => Ok(ways),
            Ok(_) | Err(_) if !noted.is_empty() => Ok(noted),
            Ok(_) => Err(io::Error::new(io::ErrorKind::NotFound, "it has no address")),
            Err(error) => Err(error),
        }
    }

    fn about<T>(&self, name: String, look: impl FnOnce(&mut Known) -> T) -> T {
        look(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default())
    }
}

impl Known {
    fn ways(&self) -> Vec<SocketAddr> {
        let before = self.served.filter(|served| !self.answer.contains(served));
        let mut ways: Vec<_> = self.answer.iter().copied().chain(before).collect();
        ways.sort_by_key(|way| self.stranger == Some(*way));
        ways
    }
}

fn entry(server: &ServerUrl) -> String {
    format!("{}:{}", server.host(), server.port())
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_silent_name_server_is_passed_over() {
        let book = book().await;
        assert_eq!(book.look_up(name(), PATIENCE, pending()).await.unwrap(), [address()]);
    }

    #[tokio::test]
    async fn a_bad_answer_is_passed_over() {
        let book = book().await;
        assert_eq!(book.look_up(name(), PATIENCE, ready(Ok(Vec::new()))).await.unwrap(), [address()]);
        let error = io::ErrorKind::NotFound.into();
        assert_eq!(book.look_up(name(), PATIENCE, ready(Err(error))).await.unwrap(), [address()]);
    }

    #[tokio::test]
    async fn a_new_answer_replaces_the_old() {
        let book = book().await;
        let moved = "192.0.2.2:443".parse().unwrap();
        assert_eq!(book.look_up(name(), PATIENCE, ready(Ok(vec![moved]))).await.unwrap(), [moved]);
        assert_eq!(book.look_up(name(), PATIENCE, ready(Ok(Vec::new()))).await.unwrap(), [moved]);
    }

    #[tokio::test]
    async fn where_the_server_was_reached_is_tried_after_a_new_answer() {
        let book = book().await;
        let server = ServerUrl::parse("wss://signaling.example").unwrap();
        book.served(&server, address());
        let liar = "192.0.2.66:443".parse().unwrap();
        assert_eq!(book.look_up(name(), PATIENCE, ready(Ok(vec![liar]))).await.unwrap(), [liar, address()]);
        book.failed(&server, liar);
        assert_eq!(book.look_up(name(), PATIENCE, ready(Ok(vec![liar]))).await.unwrap(), [address(), liar]);
        book.served(&server, address());
        assert_eq!(book.look_up(name(), PATIENCE, ready(Ok(vec![address()]))).await.unwrap(), [address()]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_comes_late_is_noted() {
        let book = book().await;
        let moved: SocketAddr = "192.0.2.2:443".parse().unwrap();
        let (answer, asked) = oneshot::channel();
        let late = async { Ok(asked.await.unwrap()) };

        assert_eq!(book.look_up(name(), PATIENCE, late).await.unwrap(), [address()]);
        answer.send(vec![moved]).unwrap();

        while book.about(name(), |known| known.ways()) != [moved] {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn an_unknown_name_is_told() {
        let book = AddressBook::default();
        let error = book.look_up(name(), PATIENCE, ready(Ok(Vec::new()))).await.unwrap_err();
        assert_eq!(error.to_string(), "it has no address");
    }

    async fn book() -> AddressBook {
        let book = AddressBook::default();
        book.look_up(name(), PATIENCE, ready(Ok(vec![address()]))).await.unwrap();
        book
    }

    fn name() -> String {
        "signaling.example:443".to_owned()
    }

    fn address() -> SocketAddr {
        "192.0.2.1:443".parse().unwrap()
    }
}
