//! The addresses under which STUN servers have seen this host, for the time when no server answers.
//!
//! A gathering without an answer finds no server-reflexive candidate, and behind NAT two peers that have lost their
//! path never find another one while STUN is blocked.
//! What an earlier gathering of any connection found is most likely still true, because the router is the same, and
//! most routers preserve the port (RFC 4787 section 4.2.1).
//! Even with another port, the address alone makes the peer's relay let us in (RFC 8656 section 9).

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

/// The public address of each local one, shared by all connections.
///
/// A wildcard address that is given to be bound hides those of the host, so the cache then stays empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct PublicAddressCache(Arc<Mutex<Entries>>);

#[derive(Debug, Default)]
struct Entries {
    /// The addresses that this host has bound last.
    bound: Vec<IpAddr>,
    /// The public address by bound one.
    public: BTreeMap<IpAddr, IpAddr>,
}

impl PublicAddressCache {
    /// Records what a gathering binds; with other addresses the host is in another network, and the cache is emptied.
    ///
    /// So no peer gets an address that is not ours any more, nor one that a VPN switched on since then hides.
    pub(crate) fn on_bind(&self, addresses: &[SocketAddr]) {
        let mut bound: Vec<IpAddr> = addresses.iter().map(SocketAddr::ip).collect();
        bound.sort_unstable();
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.bound != bound {
            *entries = Entries { bound, public: BTreeMap::new() };
        }
    }

    /// Records the public address from which a server got what came from `local`.
    pub(crate) fn insert(&self, local: IpAddr, public: IpAddr) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // An answer that comes late belongs to the network before.
        if entries.bound.contains(&local) {
            entries.public.insert(local, public);
        }
    }

    /// Returns the likely public address of the socket that is bound to `local`: the router preserves its port.
    pub(crate) fn guess(&self, local: SocketAddr) -> Option<SocketAddr> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.public.get(&local.ip()).map(|public| SocketAddr::new(*public, local.port()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7));

    #[test]
    fn guesses_the_public_address_with_the_port_of_the_socket() {
        let cache = cache_of("192.0.2.9:5000");
        assert_eq!(cache.guess(address("192.0.2.9:6000")), Some(SocketAddr::new(PUBLIC, 6000)));
        assert_eq!(cache.guess(address("192.0.2.10:6000")), None);
    }

    #[test]
    fn keeps_its_entries_while_the_host_keeps_its_addresses() {
        let cache = cache_of("192.0.2.9:5000");
        cache.on_bind(&[address("192.0.2.9:7000")]);
        assert!(cache.guess(address("192.0.2.9:7000")).is_some());
    }

    #[test]
    fn drops_everything_in_another_network() {
        let cache = cache_of("192.0.2.9:5000");
        cache.on_bind(&[address("192.0.2.9:5000"), address("10.8.0.2:5000")]);
        assert_eq!(cache.guess(address("192.0.2.9:5000")), None);
        cache.insert(address("198.51.100.4:5000").ip(), PUBLIC);
        assert_eq!(cache.guess(address("198.51.100.4:5000")), None);
    }

    fn cache_of(local: &str) -> PublicAddressCache {
        let (cache, local) = (PublicAddressCache::default(), address(local));
        cache.on_bind(&[local]);
        cache.insert(local.ip(), PUBLIC);
        cache
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }
}
