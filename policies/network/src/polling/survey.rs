//! One look at the host by means that every system has.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

use if_addrs::IfOperStatus;
use rejoin_core::network::DefaultRoute;

use crate::sight::{FAR_V4, FAR_V6, Sight, counts};

/// The discard port; nothing is sent there.
const PORT: u16 = 9;

/// Returns the interfaces that have addresses, and where packets leave.
pub(crate) fn survey() -> io::Result<Sight> {
    let mut sight = Sight::default();
    for found in if_addrs::get_if_addrs()? {
        let address = found.ip();
        let interfaces = match address.is_loopback() {
            true => &mut sight.loopback,
            false => &mut sight.outside.interfaces,
        };
        let interface = interfaces.entry(found.name).or_default();
        interface.carrier |= found.oper_status == IfOperStatus::Up;
        if address.is_loopback() || counts(address) {
            interface.addresses.insert(address);
        }
    }
    sight.outside.default_v4 = way(&sight, (Ipv4Addr::UNSPECIFIED.into(), FAR_V4.into()));
    sight.outside.default_v6 = way(&sight, (Ipv6Addr::UNSPECIFIED.into(), FAR_V6.into()));
    Ok(sight)
}

/// Returns the default route of the address family of `from` and `to`.
fn way(sight: &Sight, (from, to): (IpAddr, IpAddr)) -> Option<DefaultRoute> {
    let source = source(from, to).ok()?;
    let owner =
        |(_, interface): &(_, &rejoin_core::network::Interface)| interface.addresses.contains(&source);
    let (name, _) = sight.outside.interfaces.iter().find(owner)?;
    sight.leaving_by(name, Some(source))
}

/// Returns the address that packets from `from` to `to` would carry; connecting a UDP socket sends nothing.
fn source(from: IpAddr, to: IpAddr) -> io::Result<IpAddr> {
    let socket = UdpSocket::bind((from, 0))?;
    socket.connect((to, PORT))?;
    Ok(socket.local_addr()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_host_has_something_to_tell() {
        let sight = survey().unwrap();
        assert!(!sight.loopback.is_empty() || !sight.outside.interfaces.is_empty());
    }

    #[test]
    fn the_source_towards_loopback_is_loopback() {
        let source = source(Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::LOCALHOST.into());
        assert_eq!(source.unwrap(), IpAddr::from(Ipv4Addr::LOCALHOST));
    }
}
