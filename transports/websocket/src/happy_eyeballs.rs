//! Connects to the first of several addresses that accepts, with staggered concurrent attempts (RFC 8305).

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep_until};

use crate::dial_error::{DialError, DialPhase};
use crate::interfaces::LocalInterface;

/// The delay before the next attempt starts beside the unanswered ones (RFC 8305 section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// The same while the default interface is suspect: the minimum that RFC 8305 section 5 recommends.
const SUSPECT_ATTEMPT_DELAY: Duration = Duration::from_millis(100);

/// How often every attempt is repeated within the limit: the kernel repeats a SYN only after 1, 3 and 7 s, and a path
/// that has recovered would have to wait for that.
const ROUNDS_PER_LIMIT: u32 = 8;

/// How many attempts may run at once; each is one small packet and a socket.
const MAX_CONCURRENT_ATTEMPTS: usize = 16;

/// One way to connect to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Attempt {
    address: SocketAddr,
    /// The interface to use; `None` for the kernel's choice.
    interface: Option<LocalInterface>,
}

/// Connects to the first address that accepts, within `limit`, which ends at `deadline`.
///
/// The addresses are in the resolver's order (RFC 6724).
/// Each is tried through the interface that the kernel chooses, and then through each of `interfaces`, which is empty
/// unless that choice is suspect.
pub(crate) async fn connect(
    addresses: &[SocketAddr],
    interfaces: &[LocalInterface],
    (deadline, limit): (Instant, Duration),
) -> Result<TcpStream, DialError> {
    let mut attempts = attempts(addresses, interfaces, source_address);
    let delay = if interfaces.is_empty() { ATTEMPT_DELAY } else { SUSPECT_ATTEMPT_DELAY };
    let (mut running, mut started) = (FuturesUnordered::new(), 0);
    let mut last_error = DialError::TimedOut { phase: DialPhase::Connect, limit };
    let mut start_at = Instant::now();
    loop {
        let may_start = !attempts.is_empty() && running.len() < MAX_CONCURRENT_ATTEMPTS;
        tokio::select! {
            biased;
            Some((attempt, result)) = running.next() => match result {
                Ok(tcp) => return Ok(tcp),
                Err(error) => {
                    tracing::trace!(?attempt, %error, "not connected");
                    remove_failed(&mut attempts, &attempt, &error);
                    last_error = DialError::Connect { last: attempt.address, tried: addresses.len(), error };
                    start_at = Instant::now();
                }
            },
            () = sleep_until(deadline) => return Err(DialError::TimedOut { phase: DialPhase::Connect, limit }),
            () = sleep_until(start_at), if may_start => {
                let attempt = attempts[started % attempts.len()].clone();
                started += 1;
                let is_round_over = started >= attempts.len();
                start_at += if is_round_over { delay.max(limit / ROUNDS_PER_LIMIT) } else { delay };
                tracing::trace!(?attempt, "connecting");
                running.push(run(attempt));
            }
        }
        if attempts.is_empty() && running.is_empty() {
            return Err(last_error);
        }
    }
}

/// Returns all attempts in the order in which they start, without repeating the kernel's choice of interface.
fn attempts(
    addresses: &[SocketAddr],
    interfaces: &[LocalInterface],
    source_address: impl Fn(SocketAddr) -> Option<IpAddr>,
) -> Vec<Attempt> {
    let all = addresses.iter().flat_map(|address| {
        let default = if interfaces.is_empty() { None } else { source_address(*address) };
        let others = interfaces
            .iter()
            .filter(move |other| other.can_reach(address.ip()) && Some(other.address) != default);
        let interfaces = [None].into_iter().chain(others.cloned().map(Some));
        interfaces.map(|interface| Attempt { address: *address, interface })
    });
    all.collect()
}

/// Returns the source address that the kernel chooses for packets to `destination`; no packet is sent.
fn source_address(destination: SocketAddr) -> Option<IpAddr> {
    let any = if destination.is_ipv4() { IpAddr::from([0; 4]) } else { IpAddr::from([0; 16]) };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(destination).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// Removes a failed attempt, and all others to its address if the server itself refused.
fn remove_failed(attempts: &mut Vec<Attempt>, failed: &Attempt, error: &io::Error) {
    let is_refused = error.kind() == io::ErrorKind::ConnectionRefused;
    attempts.retain(|other| other != failed && !(is_refused && other.address == failed.address));
}

async fn run(attempt: Attempt) -> (Attempt, io::Result<TcpStream>) {
    let result = open(&attempt).await;
    (attempt, result)
}

async fn open(attempt: &Attempt) -> io::Result<TcpStream> {
    let socket = if attempt.address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if let Some(interface) = &attempt.interface {
        interface.bind(&socket)?;
    }
    socket.connect(attempt.address).await
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn an_address_that_refuses_is_followed_by_the_next() {
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let refusing = gone.local_addr().unwrap();
        drop(gone);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listening = listener.local_addr().unwrap();

        let tcp = connect(&[refusing, listening], &[], soon()).await.unwrap();

        assert_eq!(tcp.peer_addr().unwrap(), listening);
    }

    #[tokio::test]
    async fn the_last_error_is_returned_when_all_attempts_have_failed() {
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let refusing = gone.local_addr().unwrap();
        drop(gone);

        let error = connect(&[refusing], &[], soon()).await.unwrap_err();

        assert!(matches!(error, DialError::Connect { last, tried: 1, .. } if last == refusing), "{error:?}");
    }

    #[test]
    fn other_interfaces_come_after_the_default_one_for_each_address() {
        let addresses = [address("192.0.2.1:443"), address("[2001:db8::1]:443")];
        let interfaces = [interface("wlan0", "198.51.100.7"), interface("wwan0", "2001:db8:1::7")];

        let attempts = attempts(&addresses, &interfaces, |_| None);

        let expected = [
            Attempt { address: addresses[0], interface: None },
            Attempt { address: addresses[0], interface: Some(interfaces[0].clone()) },
            Attempt { address: addresses[1], interface: None },
            Attempt { address: addresses[1], interface: Some(interfaces[1].clone()) },
        ];
        assert_eq!(attempts, expected);
    }

    #[test]
    fn the_default_interface_is_not_tried_twice() {
        let server = address("192.0.2.1:443");
        let interfaces = [interface("wlan0", "198.51.100.7"), interface("wwan0", "203.0.113.7")];

        let attempts = attempts(&[server], &interfaces, |_| Some(interfaces[0].address));

        let expected = [
            Attempt { address: server, interface: None },
            Attempt { address: server, interface: Some(interfaces[1].clone()) },
        ];
        assert_eq!(attempts, expected);
    }

    #[test]
    fn the_kernel_returns_its_source_address() {
        assert_eq!(source_address(address("127.0.0.1:443")), Some("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn a_server_that_refuses_is_not_tried_through_another_interface() {
        let server = address("192.0.2.1:443");
        let mut attempts = attempts(&[server], &[interface("wlan0", "198.51.100.7")], |_| None);
        let default = attempts[0].clone();

        remove_failed(&mut attempts, &default, &io::ErrorKind::ConnectionRefused.into());

        assert_eq!(attempts, []);
    }

    #[test]
    fn an_unreachable_network_removes_only_its_attempt() {
        let server = address("192.0.2.1:443");
        let mut attempts = attempts(&[server], &[interface("wlan0", "198.51.100.7")], |_| None);
        let default = attempts[0].clone();

        remove_failed(&mut attempts, &default, &io::ErrorKind::NetworkUnreachable.into());

        assert_eq!(attempts.len(), 1);
    }

    fn soon() -> (Instant, Duration) {
        let limit = Duration::from_secs(5);
        (Instant::now() + limit, limit)
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn interface(name: &str, address: &str) -> LocalInterface {
        LocalInterface { name: name.to_owned(), address: address.parse().unwrap() }
    }
}
