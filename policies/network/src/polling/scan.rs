//! One scan of the host with calls that every system has.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use if_addrs::IfOperStatus;
use rejoin_core::network::DefaultRoute;

use crate::observation::{INTERNET_V4, INTERNET_V6, Observation, is_usable};

/// The discard port; nothing is sent there.
const PORT: u16 = 9;

/// Returns the interfaces that have addresses, and the default routes.
pub(crate) fn scan() -> io::Result<Observation> {
    let mut observation = Observation::default();
    for found in if_addrs::get_if_addrs()? {
        let address = found.ip();
        let interfaces = match address.is_loopback() {
            true => &mut observation.loopback,
            false => &mut observation.outside.interfaces,
        };
        let interface = interfaces.entry(found.name).or_default();
        interface.carrier |= found.oper_status == IfOperStatus::Up;
        if address.is_loopback() || is_usable(address) {
            interface.addresses.insert(address);
        }
    }
    observation.outside.default_v4 = egress(&observation, (Ipv4Addr::UNSPECIFIED.into(), INTERNET_V4.into()));
    observation.outside.default_v6 = egress(&observation, (Ipv6Addr::UNSPECIFIED.into(), INTERNET_V6.into()));
    Ok(observation)
}

/// Returns the default route of the address family of `from` and `to`.
fn egress(observation: &Observation, (from, to): (IpAddr, IpAddr)) -> Option<DefaultRoute> {
    let source = source(from, to).ok()?;
    let owner =
        |(_, interface): &(_, &rejoin_core::network::Interface)| interface.addresses.contains(&source);
    let (name, _) = observation.outside.interfaces.iter().find(owner)?;
    observation.default_route_via(name, Some(source))
}

/// Returns the source address of packets from `from` to `to`; connecting a UDP socket sends nothing.
fn source(from: IpAddr, to: IpAddr) -> io::Result<IpAddr> {
    let socket = UdpSocket::bind((from, 0))?;
    socket.connect((to, PORT))?;
    Ok(socket.local_addr()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_host_has_an_interface() {
        let observation = scan().unwrap();
        assert!(!observation.loopback.is_empty() || !observation.outside.interfaces.is_empty());
    }

    #[test]
    fn the_source_towards_loopback_is_loopback() {
        let source = source(Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::LOCALHOST.into());
        assert_eq!(source.unwrap(), IpAddr::from(Ipv4Addr::LOCALHOST));
    }
}
