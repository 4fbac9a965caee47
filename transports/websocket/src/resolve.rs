//! From the name in a server's URL to its addresses, also while the name server cannot be reached.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::timeout;
use url::Host;

use crate::refusal::Refusal;
use crate::server_url::ServerUrl;

/// How long a name server may take before the addresses that it gave last are used; a network that has lost its
/// server mostly lost its name server too, and the system's own limit of 10 s and more outlasts a whole dial.
const PATIENCE: Duration = Duration::from_millis(500);

/// The names of servers with the addresses that they had last.
#[derive(Clone, Debug, Default)]
pub(crate) struct AddressBook(Arc<Mutex<BTreeMap<String, Vec<SocketAddr>>>>);

impl AddressBook {
    /// Returns the addresses of `server`, in the resolver's order.
    pub(crate) async fn resolve(&self, server: &ServerUrl) -> Result<Vec<SocketAddr>, Refusal> {
        let port = server.port();
        match server.host() {
            Host::Domain(name) => {
                let lookup = async {
                    let found = tokio::net::lookup_host((name.as_str(), port)).await?;
                    Ok(found.collect::<Vec<_>>())
                };
                self.look_up(format!("{name}:{port}"), lookup).await.map_err(Refusal::Resolve)
            }
            Host::Ipv4(address) => Ok(vec![SocketAddr::from((*address, port))]),
            Host::Ipv6(address) => Ok(vec![SocketAddr::from((*address, port))]),
        }
    }

    /// Asks, and notes the answer; without one in time, or with a bad one, gives what is noted.
    async fn look_up(
        &self,
        name: String,
        lookup: impl Future<Output = io::Result<Vec<SocketAddr>>>,
    ) -> io::Result<Vec<SocketAddr>> {
        let noted = self.noted(&name);
        let asked = match noted {
            Some(_) => timeout(PATIENCE, lookup).await.unwrap_or_else(|_| Ok(Vec::new())),
            None => lookup.await,
        };
        match (asked, noted) {
            (Ok(addresses), _) if !addresses.is_empty() => {
                self.note(name, addresses.clone());
                Ok(addresses)
            }
            (_, Some(noted)) => Ok(noted),
            (Ok(_), None) => Err(io::Error::new(io::ErrorKind::NotFound, "it has no address")),
            (Err(error), None) => Err(error),
        }
    }

    fn noted(&self, name: &str) -> Option<Vec<SocketAddr>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn note(&self, name: String, addresses: Vec<SocketAddr>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name, addresses);
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_silent_name_server_is_passed_over() {
        let book = book().await;
        assert_eq!(book.look_up(name(), pending()).await.unwrap(), [address()]);
    }

    #[tokio::test]
    async fn a_bad_answer_is_passed_over() {
        let book = book().await;
        assert_eq!(book.look_up(name(), ready(Ok(Vec::new()))).await.unwrap(), [address()]);
        let error = io::ErrorKind::NotFound.into();
        assert_eq!(book.look_up(name(), ready(Err(error))).await.unwrap(), [address()]);
    }

    #[tokio::test]
    async fn a_new_answer_replaces_the_old() {
        let book = book().await;
        let moved = "192.0.2.2:443".parse().unwrap();
        book.look_up(name(), ready(Ok(vec![moved]))).await.unwrap();
        assert_eq!(book.noted(&name()), Some(vec![moved]));
    }

    #[tokio::test]
    async fn an_unknown_name_is_told() {
        let book = AddressBook::default();
        let error = book.look_up(name(), ready(Ok(Vec::new()))).await.unwrap_err();
        assert_eq!(error.to_string(), "it has no address");
    }

    async fn book() -> AddressBook {
        let book = AddressBook::default();
        book.look_up(name(), ready(Ok(vec![address()]))).await.unwrap();
        book
    }

    fn name() -> String {
        "signaling.example:443".to_owned()
    }

    fn address() -> SocketAddr {
        "192.0.2.1:443".parse().unwrap()
    }
}
