//! The addresses to bind, computed again at every bind: at the start and at each ICE restart.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::vec;

use rtc::shared::ifaces::ifaces;

use crate::socket::public_address_cache::PublicAddressCache;

/// How many addresses of one family are bound.
///
/// Every local address is paired with every remote one; hosts with dozens of container bridges would send
/// thousands of checks a second. Eight is more than any host has real networks.
const MAX_PER_FAMILY: usize = 8;

/// What to bind. The engine resolves it again at every ICE restart, so the result follows the interfaces.
#[derive(Clone, Debug)]
pub(crate) struct BindAddresses {
    source: AddressSource,
    public_addresses: PublicAddressCache,
}

#[derive(Clone, Debug)]
enum AddressSource {
    /// Every interface; loopback only where there is nothing else.
    AllInterfaces,
    /// What the setup lists, as `address:port`.
    Addresses(Vec<String>),
    /// These interfaces.
    Interfaces(Vec<String>),
}

impl BindAddresses {
    /// Returns the addresses in `bind`, or those of `interfaces`; two empty lists mean all interfaces.
    ///
    /// `public_addresses` is cleared when another set of addresses is bound.
    pub(crate) fn new(
        bind: Vec<String>,
        interfaces: Vec<String>,
        public_addresses: PublicAddressCache,
    ) -> Self {
        let source = match (bind.is_empty(), interfaces.is_empty()) {
            (false, _) => AddressSource::Addresses(bind),
            (true, false) => AddressSource::Interfaces(interfaces),
            (true, true) => AddressSource::AllInterfaces,
        };
        Self { source, public_addresses }
    }
}

impl ToSocketAddrs for BindAddresses {
    type Iter = vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        let addresses = match &self.source {
            AddressSource::AllInterfaces => all_interfaces(&local_addresses(|_| true)),
            AddressSource::Addresses(names) => resolve_each(names)?,
            // Without these interfaces nothing is bound, and the engine fails with that.
            AddressSource::Interfaces(names) => {
                routable(&local_addresses(|name| names.iter().any(|wanted| wanted == name)))
            }
        };
        self.public_addresses.on_bind(&addresses);
        Ok(addresses.into_iter())
    }
}

/// Resolves each name; one that fails is an error only if none succeeds.
fn resolve_each(names: &[String]) -> io::Result<Vec<SocketAddr>> {
    let mut addresses = Vec::new();
    let mut failure = None;
    for name in names {
        match name.to_socket_addrs() {
            Ok(found) => addresses.extend(found),
            Err(error) => {
                failure = Some(io::Error::new(
                    error.kind(),
                    format!("cannot bind \"{name}\": {error}; give address:port"),
                ));
            }
        }
    }
    match failure {
        Some(error) if addresses.is_empty() => Err(error),
        Some(_) | None => Ok(addresses),
    }
}

/// Binds `socket` to the interface that has `local`, which is its address.
///
/// Otherwise the default route takes its packets to another uplink, with a source address that is wrong there.
#[cfg(target_os = "linux")]
pub(crate) fn bind_device(socket: &UdpSocket, local: IpAddr) {
    let has =
        |interface: &rtc::shared::ifaces::Interface| interface.addr.is_some_and(|found| found.ip() == local);
    let interface = ifaces().ok().and_then(|interfaces| interfaces.into_iter().find(has));
    let Some(name) = interface.map(|interface| interface.name) else { return };
    if let Err(error) = socket2::SockRef::from(socket).bind_device(Some(name.as_bytes())) {
        tracing::debug!(%error, interface = name, "a socket could not be bound to its interface; addresses decide");
    }
}

/// Leaves the address of the packets of `socket` to the system: most choose it by the source address.
#[cfg(not(target_os = "linux"))]
pub(crate) fn bind_device(_socket: &UdpSocket, _local: IpAddr) {}

fn local_addresses(chosen: impl Fn(&str) -> bool) -> Vec<IpAddr> {
    let interfaces = ifaces().unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot list the interfaces; binding the wildcard address");
        Vec::new()
    });
    let interfaces = interfaces.into_iter().filter(|interface| chosen(&interface.name));
    interfaces.filter_map(|interface| interface.addr).map(|address| address.ip()).collect()
}

/// Returns what to bind on a host with these addresses.
///
/// A wildcard socket would do for sending, but host candidates carry the socket's own address, so each
/// address gets its socket. Loopback counts only where nothing else is there (an offline machine): two
/// processes on it then still find each other.
fn all_interfaces(local: &[IpAddr]) -> Vec<SocketAddr> {
    let bound = routable(local);
    if !bound.is_empty() {
        return bound;
    }
    let mut found: Vec<IpAddr> =
        local.iter().filter(|ip| ip.is_loopback() || is_link_local_v4(ip)).copied().collect();
    found.dedup();
    if found.is_empty() {
        // Nothing is up. A wildcard socket keeps the connection alive until an ICE restart binds again.
        found.push(Ipv4Addr::UNSPECIFIED.into());
    }
    found.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect()
}

/// Returns those of `local` at which a peer on another host may reach this one.
fn routable(local: &[IpAddr]) -> Vec<SocketAddr> {
    let mut found: Vec<IpAddr> = Vec::new();
    for ip in local.iter().filter(|ip| is_routable(ip)) {
        let family = found.iter().filter(|other| other.is_ipv4() == ip.is_ipv4()).count();
        if family < MAX_PER_FAMILY && !found.contains(ip) {
            found.push(*ip);
        }
    }
    found.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect()
}

/// Returns whether a peer on another host may reach `ip`; IPv6 link-local ones lose their scope in a candidate.
fn is_routable(ip: &IpAddr) -> bool {
    let link_local = match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    !(link_local || ip.is_loopback() || ip.is_unspecified() || ip.is_multicast())
}

fn is_link_local_v4(ip: &IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn omits_loopback_while_a_network_is_up() {
        assert_eq!(bound(&["127.0.0.1", "192.0.2.2", "::1", "fd00::2", "fe80::1"]), ["192.0.2.2", "fd00::2"]);
    }

    #[test]
    fn binds_loopback_while_nothing_else_is_up() {
        assert_eq!(bound(&["127.0.0.1", "::1", "fe80::1"]), ["127.0.0.1", "::1"]);
    }

    #[test]
    fn binds_the_wildcard_while_nothing_is_up() {
        assert_eq!(bound(&[]), ["0.0.0.0"]);
    }

    #[test]
    fn binds_one_address_once() {
        assert_eq!(bound(&["192.0.2.2", "10.0.0.1", "192.0.2.2"]), ["192.0.2.2", "10.0.0.1"]);
    }

    #[test]
    fn caps_the_addresses_of_one_family() {
        let many: Vec<String> = (1..=40).map(|last| format!("10.0.0.{last}")).collect();
        let mut local: Vec<&str> = many.iter().map(String::as_str).collect();
        local.push("fd00::2");
        assert_eq!(bound(&local).len(), MAX_PER_FAMILY + 1);
    }

    #[test]
    fn names_the_address_that_cannot_be_bound() {
        let error =
            BindAddresses::new(vec!["nonsense".to_owned()], Vec::new(), PublicAddressCache::default())
                .to_socket_addrs()
                .expect_err("no port");
        assert!(error.to_string().contains("\"nonsense\""), "{error}");
    }

    fn bound(local: &[&str]) -> Vec<String> {
        let local: Vec<IpAddr> = local.iter().map(|ip| ip.parse().expect("an address")).collect();
        all_interfaces(&local).iter().map(|address| address.ip().to_string()).collect()
    }
}
