//! The addresses to bind, decided anew at every bind: at the start and at each ICE restart.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::vec;

use rtc::shared::ifaces::ifaces;

use crate::socket::public_address_cache::Outside;

/// How many addresses of one family are bound.
///
/// Every local address is paired with every remote one; hosts with dozens of container bridges would send
/// thousands of checks a second. Eight is more than any host has real networks.
const EACH_FAMILY: usize = 8;

/// What to bind. The driver asks again at every ICE restart, so the answer follows the interfaces.
#[derive(Clone, Debug)]
pub(crate) struct BindAddresses {
    wanted: Wanted,
    outside: Outside,
}

#[derive(Clone, Debug)]
enum Wanted {
    /// Every interface; loopback only where there is nothing else.
    Everywhere,
    /// What the setup names, as `address:port`.
    Given(Vec<String>),
    /// These interfaces.
    Interfaces(Vec<String>),
}

impl BindAddresses {
    /// Returns what `bind` asks for, or `interfaces`; two empty lists mean everywhere, and `outside` learns what is bound.
    pub(crate) fn new(bind: Vec<String>, interfaces: Vec<String>, outside: Outside) -> Self {
        let wanted = match (bind.is_empty(), interfaces.is_empty()) {
            (false, _) => Wanted::Given(bind),
            (true, false) => Wanted::Interfaces(interfaces),
            (true, true) => Wanted::Everywhere,
        };
        Self { wanted, outside }
    }
}

impl ToSocketAddrs for BindAddresses {
    type Iter = vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        let addresses = match &self.wanted {
            Wanted::Everywhere => everywhere(&local_addresses(|_| true)),
            Wanted::Given(names) => resolve_each(names)?,
            // where they are gone nothing is bound, and the engine says so
            Wanted::Interfaces(names) => {
                routable(&local_addresses(|name| names.iter().any(|wanted| wanted == name)))
            }
        };
        self.outside.bind(&addresses);
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

/// Returns the interface that has `address`.
#[cfg(target_os = "linux")]
pub(crate) fn interface_of(address: IpAddr) -> Option<String> {
    let has = |interface: &rtc::shared::ifaces::Interface| {
        interface.addr.is_some_and(|found| found.ip() == address)
    };
    ifaces().ok()?.into_iter().find(has).map(|interface| interface.name)
}

fn local_addresses(chosen: impl Fn(&str) -> bool) -> Vec<IpAddr> {
    let interfaces = ifaces().unwrap_or_else(|error| {
        tracing::warn!(%error, "the interfaces could not be listed; binding the wildcard address");
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
fn everywhere(local: &[IpAddr]) -> Vec<SocketAddr> {
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

/// Returns the addresses at which a peer elsewhere may reach a host that has these.
fn routable(local: &[IpAddr]) -> Vec<SocketAddr> {
    let mut found: Vec<IpAddr> = Vec::new();
    for ip in local.iter().filter(|ip| is_routable(ip)) {
        let family = found.iter().filter(|other| other.is_ipv4() == ip.is_ipv4()).count();
        if family < EACH_FAMILY && !found.contains(ip) {
            found.push(*ip);
        }
    }
    found.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect()
}

/// Returns whether a peer elsewhere may reach `ip`; IPv6 link-local ones lose their scope in a candidate.
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
    fn leaves_loopback_out_where_a_network_is_up() {
        assert_eq!(bound(&["127.0.0.1", "192.0.2.2", "::1", "fd00::2", "fe80::1"]), ["192.0.2.2", "fd00::2"]);
    }

    #[test]
    fn binds_loopback_where_nothing_else_is_up() {
        assert_eq!(bound(&["127.0.0.1", "::1", "fe80::1"]), ["127.0.0.1", "::1"]);
    }

    #[test]
    fn binds_the_wildcard_where_nothing_is_up() {
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
        assert_eq!(bound(&local).len(), EACH_FAMILY + 1);
    }

    #[test]
    fn names_the_address_that_cannot_be_bound() {
        let error = BindAddresses::new(vec!["nonsense".to_owned()], Vec::new(), Outside::default())
            .to_socket_addrs()
            .expect_err("no port");
        assert!(error.to_string().contains("\"nonsense\""), "{error}");
    }

    fn bound(local: &[&str]) -> Vec<String> {
        let local: Vec<IpAddr> = local.iter().map(|ip| ip.parse().expect("an address")).collect();
        everywhere(&local).iter().map(|address| address.ip().to_string()).collect()
    }
}
