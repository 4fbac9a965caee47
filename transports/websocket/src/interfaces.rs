//! The network interfaces of this host through which a connection can leave.

use std::io;
use std::net::IpAddr;
#[cfg(not(target_os = "linux"))]
use std::net::SocketAddr;

use if_addrs::Interface;
use tokio::net::TcpSocket;

/// How many interfaces of one address family are tried; no host has more real networks.
const MAX_PER_FAMILY: usize = 4;

/// Which interfaces a dial tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InterfaceChoice {
    /// Only the one that the kernel chooses.
    Default,
    /// Also every other one, because connections through the kernel's choice may be dropped silently.
    All,
}

/// An interface that is up, with one of its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalInterface {
    pub(crate) name: String,
    pub(crate) address: IpAddr,
}

/// Returns the interfaces with a usable address; none if they cannot be listed.
pub(crate) fn local_interfaces() -> Vec<LocalInterface> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::debug!(%error, "cannot list the interfaces; only the default one is tried");
        Vec::new()
    });
    usable(&interfaces)
}

/// Returns the first address of each family on each usable interface.
fn usable(interfaces: &[Interface]) -> Vec<LocalInterface> {
    let is_usable = |interface: &&Interface| {
        interface.is_oper_up() && !interface.is_loopback() && !interface.is_link_local()
    };
    let mut usable: Vec<LocalInterface> = Vec::new();
    for interface in interfaces.iter().filter(is_usable) {
        let (name, address) = (interface.name.clone(), interface.ip());
        let same_family = |other: &&LocalInterface| other.address.is_ipv4() == address.is_ipv4();
        let is_known = usable.iter().filter(same_family).any(|other| other.name == name);
        if !is_known && usable.iter().filter(same_family).count() < MAX_PER_FAMILY {
            usable.push(LocalInterface { name, address });
        }
    }
    usable
}

impl LocalInterface {
    /// Returns whether packets to `destination` can leave through this interface.
    pub(crate) fn can_reach(&self, destination: IpAddr) -> bool {
        self.address.is_ipv4() == destination.is_ipv4() && !destination.is_loopback()
    }

    /// Binds `socket` to this interface, regardless of the default route.
    #[cfg(target_os = "linux")]
    pub(crate) fn bind(&self, socket: &TcpSocket) -> io::Result<()> {
        socket.bind_device(Some(self.name.as_bytes()))
    }

    /// Binds `socket` to the address of this interface; the system chooses the route of its packets.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn bind(&self, socket: &TcpSocket) -> io::Result<()> {
        socket.bind(SocketAddr::new(self.address, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_reaches_its_own_family_except_loopback() {
        let interface = LocalInterface { name: "wlan0".to_owned(), address: "198.51.100.7".parse().unwrap() };
        assert!(interface.can_reach("192.0.2.1".parse().unwrap()));
        assert!(!interface.can_reach("127.0.0.1".parse().unwrap()));
        assert!(!interface.can_reach("2001:db8::1".parse().unwrap()));
    }

    #[test]
    fn loopback_interfaces_are_left_out() {
        assert!(local_interfaces().iter().all(|interface| !interface.address.is_loopback()));
    }
}
