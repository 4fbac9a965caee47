//! The interfaces by which a packet can leave this host.

use std::io;
use std::net::IpAddr;
#[cfg(not(target_os = "linux"))]
use std::net::SocketAddr;

use if_addrs::Interface;
use tokio::net::TcpSocket;

/// How many exits of one family are tried; more than any host has real networks.
const EACH_FAMILY: usize = 4;

/// An interface that is up, and one of its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    /// The interface.
    pub(crate) name: String,
    /// Its address.
    pub(crate) source: IpAddr,
}

/// Returns the exits of this host; none where they cannot be listed.
pub(crate) fn exits() -> Vec<Exit> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::debug!(%error, "the interfaces could not be listed; only the usual way is tried");
        Vec::new()
    });
    chosen(&interfaces)
}

/// Returns the first address of each family on each interface that leads anywhere.
fn chosen(interfaces: &[Interface]) -> Vec<Exit> {
    let mut exits: Vec<Exit> = Vec::new();
    for interface in interfaces.iter().filter(|interface| leads_anywhere(interface)) {
        let (name, source) = (interface.name.clone(), interface.ip());
        let same_family = |exit: &&Exit| exit.source.is_ipv4() == source.is_ipv4();
        let known = exits.iter().filter(same_family).any(|exit| exit.name == name);
        if !known && exits.iter().filter(same_family).count() < EACH_FAMILY {
            exits.push(Exit { name, source });
        }
    }
    exits
}

fn leads_anywhere(interface: &Interface) -> bool {
    interface.is_oper_up() && !interface.is_loopback() && !interface.is_link_local()
}

impl Exit {
    /// Returns whether packets to `destination` can leave here at all.
    pub(crate) fn leads_to(&self, destination: IpAddr) -> bool {
        self.source.is_ipv4() == destination.is_ipv4() && !destination.is_loopback()
    }

    /// Lets the packets of `socket` leave here, whatever the default route says.
    #[cfg(target_os = "linux")]
    pub(crate) fn bind(&self, socket: &TcpSocket) -> io::Result<()> {
        socket.bind_device(Some(self.name.as_bytes()))
    }

    /// Gives `socket` the address of this exit; which way its packets take is the system's choice.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn bind(&self, socket: &TcpSocket) -> io::Result<()> {
        socket.bind(SocketAddr::new(self.source, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_destination_needs_no_exit() {
        let exit = Exit { name: "wlan0".to_owned(), source: "198.51.100.7".parse().unwrap() };
        assert!(exit.leads_to("192.0.2.1".parse().unwrap()));
        assert!(!exit.leads_to("127.0.0.1".parse().unwrap()));
        assert!(!exit.leads_to("2001:db8::1".parse().unwrap()));
    }

    #[test]
    fn loopback_is_no_exit() {
        assert!(exits().iter().all(|exit| !exit.source.is_loopback()));
    }
}
