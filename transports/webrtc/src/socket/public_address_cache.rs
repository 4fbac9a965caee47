//! The addresses under which STUN servers have seen this host, for the time when no server answers.
//!
//! A gathering without an answer knows no server-reflexive candidate, and behind NAT two peers that have lost their
//! path never find another one while STUN is blocked.
//! What an earlier gathering of any connection learned still holds most likely, because the router is the same, and
//! most of them keep the port of the inside (RFC 4787 section 4.2.1 calls that port preservation).
//! Even under another port the address alone has the peer's relay let us in (RFC 8656 section 9).

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

/// What is known of the outside, shared by all connections.
///
/// A wildcard address that is given to be bound hides those of the host, so then nothing is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outside(Arc<Mutex<Memory>>);

#[derive(Debug, Default)]
struct Memory {
    /// The addresses that this host has bound last.
    bound: Vec<IpAddr>,
    /// By which address the router of a bound one was seen.
    seen: BTreeMap<IpAddr, IpAddr>,
}

impl Outside {
    /// Learns what a gathering binds; with other addresses the host is in another network, and nothing is known.
    ///
    /// So nobody is told an address that is not ours any more, nor one that a VPN switched on since then hides.
    pub(crate) fn bind(&self, addresses: &[SocketAddr]) {
        let mut bound: Vec<IpAddr> = addresses.iter().map(SocketAddr::ip).collect();
        bound.sort_unstable();
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.bound != bound {
            *memory = Memory { bound, seen: BTreeMap::new() };
        }
    }

    /// Learns under which address a server saw what came from `local`.
    pub(crate) fn learn(&self, local: IpAddr, seen: IpAddr) {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // An answer that comes late belongs to the network before.
        if memory.bound.contains(&local) {
            memory.seen.insert(local, seen);
        }
    }

    /// Returns where the socket bound to `local` is seen, if it is as before and the router keeps ports.
    pub(crate) fn guess(&self, local: SocketAddr) -> Option<SocketAddr> {
        let memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.seen.get(&local.ip()).map(|seen| SocketAddr::new(*seen, local.port()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7));

    #[test]
    fn guesses_the_address_with_the_port_of_the_socket() {
        let outside = seen_from("192.0.2.9:5000");
        assert_eq!(outside.guess(address("192.0.2.9:6000")), Some(SocketAddr::new(SEEN, 6000)));
        assert_eq!(outside.guess(address("192.0.2.10:6000")), None);
    }

    #[test]
    fn keeps_what_it_knows_while_the_host_keeps_its_addresses() {
        let outside = seen_from("192.0.2.9:5000");
        outside.bind(&[address("192.0.2.9:7000")]);
        assert!(outside.guess(address("192.0.2.9:7000")).is_some());
    }

    #[test]
    fn forgets_everything_in_another_network() {
        let outside = seen_from("192.0.2.9:5000");
        outside.bind(&[address("192.0.2.9:5000"), address("10.8.0.2:5000")]);
        assert_eq!(outside.guess(address("192.0.2.9:5000")), None);
        outside.learn(address("198.51.100.4:5000").ip(), SEEN);
        assert_eq!(outside.guess(address("198.51.100.4:5000")), None);
    }

    fn seen_from(local: &str) -> Outside {
        let (outside, local) = (Outside::default(), address(local));
        outside.bind(&[local]);
        outside.learn(local.ip(), SEEN);
        outside
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }
}
