//! From the addresses of a server to one TCP connection: several ways side by side, the first that opens wins (RFC 8305).

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep_until};

use crate::exits::Exit;
use crate::refusal::{Refusal, Stage};

/// The pause before another way is tried beside the ones that have not answered (RFC 8305 section 5).
const NEXT_WAY: Duration = Duration::from_millis(250);

/// The same where the usual way is in doubt: the least that RFC 8305 section 5 recommends.
const NEXT_WAY_IN_DOUBT: Duration = Duration::from_millis(100);

/// Every way is tried again so often within the limit: the kernel asks again only after 1, 3 and 7 s, which a path
/// that has come back meanwhile would wait for.
const ROUNDS_PER_LIMIT: u32 = 8;

/// How many connections may be asked for at once; each is one small packet and a socket.
const MOST_AT_ONCE: usize = 16;

/// One way to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Way {
    address: SocketAddr,
    /// The interface to leave by; `None` for the kernel's choice.
    exit: Option<Exit>,
}

/// Connects to the first address that takes a connection, within `limit` that ends at `deadline`.
///
/// The addresses come in the resolver's order (RFC 6724), each first by the kernel's own choice of interface, and then
/// through each of `exits`, which there are only where that choice is in doubt.
pub(crate) async fn connect(
    addresses: &[SocketAddr],
    exits: &[Exit],
    (deadline, limit): (Instant, Duration),
) -> Result<TcpStream, Refusal> {
    let mut ways = ways(addresses, exits, source);
    let pace = if exits.is_empty() { NEXT_WAY } else { NEXT_WAY_IN_DOUBT };
    let (mut race, mut tried) = (FuturesUnordered::new(), 0);
    let mut refusal = Refusal::TimedOut { stage: Stage::Connect, limit };
    let mut start_at = Instant::now();
    loop {
        let may_start = !ways.is_empty() && race.len() < MOST_AT_ONCE;
        tokio::select! {
            biased;
            Some((way, result)) = race.next() => match result {
                Ok(tcp) => return Ok(tcp),
                Err(error) => {
                    tracing::trace!(?way, %error, "not connected");
                    rule_out(&mut ways, &way, &error);
                    refusal = Refusal::Connect { last: way.address, tried: addresses.len(), error };
                    start_at = Instant::now();
                }
            },
            () = sleep_until(deadline) => return Err(Refusal::TimedOut { stage: Stage::Connect, limit }),
            () = sleep_until(start_at), if may_start => {
                let way = ways[tried % ways.len()].clone();
                tried += 1;
                let round_is_over = tried >= ways.len();
                start_at += if round_is_over { pace.max(limit / ROUNDS_PER_LIMIT) } else { pace };
                tracing::trace!(?way, "connecting");
                race.push(attempt(way));
            }
        }
        if ways.is_empty() && race.is_empty() {
            return Err(refusal);
        }
    }
}

/// Returns every way, in the order in which they are tried; an exit that the usual way takes anyway is none.
fn ways(addresses: &[SocketAddr], exits: &[Exit], source: impl Fn(SocketAddr) -> Option<IpAddr>) -> Vec<Way> {
    let by_every_exit = addresses.iter().flat_map(|address| {
        let usual = if exits.is_empty() { None } else { source(*address) };
        let others =
            exits.iter().filter(move |exit| exit.leads_to(address.ip()) && Some(exit.source) != usual);
        let exits = [None].into_iter().chain(others.cloned().map(Some));
        exits.map(|exit| Way { address: *address, exit })
    });
    by_every_exit.collect()
}

/// Returns the address with which packets to `destination` leave by the kernel's choice; none is sent.
fn source(destination: SocketAddr) -> Option<IpAddr> {
    let any = if destination.is_ipv4() { IpAddr::from([0; 4]) } else { IpAddr::from([0; 16]) };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(destination).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// Forgets what an error has ruled out: who is refused by the server itself need not ask it by another way.
fn rule_out(ways: &mut Vec<Way>, failed: &Way, error: &io::Error) {
    let by_server = error.kind() == io::ErrorKind::ConnectionRefused;
    ways.retain(|way| way != failed && !(by_server && way.address == failed.address));
}

async fn attempt(way: Way) -> (Way, io::Result<TcpStream>) {
    let result = open(&way).await;
    (way, result)
}

async fn open(way: &Way) -> io::Result<TcpStream> {
    let socket = if way.address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if let Some(exit) = &way.exit {
        exit.bind(&socket)?;
    }
    socket.connect(way.address).await
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
    async fn the_end_of_all_ways_is_told() {
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let refusing = gone.local_addr().unwrap();
        drop(gone);

        let refusal = connect(&[refusing], &[], soon()).await.unwrap_err();

        assert!(
            matches!(refusal, Refusal::Connect { last, tried: 1, .. } if last == refusing),
            "{refusal:?}"
        );
    }

    #[test]
    fn other_exits_come_after_the_usual_way_to_each_address() {
        let addresses = [address("192.0.2.1:443"), address("[2001:db8::1]:443")];
        let exits = [exit("wlan0", "198.51.100.7"), exit("wwan0", "2001:db8:1::7")];

        let ways = ways(&addresses, &exits, |_| None);

        let expected = [
            Way { address: addresses[0], exit: None },
            Way { address: addresses[0], exit: Some(exits[0].clone()) },
            Way { address: addresses[1], exit: None },
            Way { address: addresses[1], exit: Some(exits[1].clone()) },
        ];
        assert_eq!(ways, expected);
    }

    #[test]
    fn the_exit_of_the_usual_way_is_not_tried_twice() {
        let server = address("192.0.2.1:443");
        let exits = [exit("wlan0", "198.51.100.7"), exit("wwan0", "203.0.113.7")];

        let ways = ways(&[server], &exits, |_| Some(exits[0].source));

        let expected =
            [Way { address: server, exit: None }, Way { address: server, exit: Some(exits[1].clone()) }];
        assert_eq!(ways, expected);
    }

    #[test]
    fn the_kernel_tells_how_packets_leave() {
        assert_eq!(source(address("127.0.0.1:443")), Some("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn a_server_that_refuses_is_not_asked_by_another_way() {
        let server = address("192.0.2.1:443");
        let mut ways = ways(&[server], &[exit("wlan0", "198.51.100.7")], |_| None);
        let usual = ways[0].clone();

        rule_out(&mut ways, &usual, &io::ErrorKind::ConnectionRefused.into());

        assert_eq!(ways, []);
    }

    #[test]
    fn a_way_into_nowhere_leaves_the_others() {
        let server = address("192.0.2.1:443");
        let mut ways = ways(&[server], &[exit("wlan0", "198.51.100.7")], |_| None);
        let usual = ways[0].clone();

        rule_out(&mut ways, &usual, &io::ErrorKind::NetworkUnreachable.into());

        assert_eq!(ways.len(), 1);
    }

    fn soon() -> (Instant, Duration) {
        let limit = Duration::from_secs(5);
        (Instant::now() + limit, limit)
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn exit(name: &str, source: &str) -> Exit {
        Exit { name: name.to_owned(), source: source.parse().unwrap() }
    }
}
