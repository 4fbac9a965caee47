//! The addresses of all machines in a world.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::topology::{Family, LinkId};

/// A network of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Net {
    /// Where the servers and the outer sides of the routers are.
    Core,
    /// The inside of the router at this link.
    Inside(LinkId),
}

/// An address with the length of its network's prefix, as `ip` writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interface {
    pub(crate) address: IpAddr,
    pub(crate) prefix: u8,
}

impl Net {
    /// Returns the address of the machine with this number.
    ///
    /// The core has addresses for documentation (RFC 5737, RFC 3849), which no software treats as private.
    pub(crate) fn address(self, family: Family, machine: u8) -> IpAddr {
        match family {
            Family::V4 => match self {
                Self::Core => Ipv4Addr::new(203, 0, 113, machine).into(),
                Self::Inside(link_id) => Ipv4Addr::new(10, number(link_id), 0, machine).into(),
            },
            Family::V6 => {
                let net = match self {
                    Self::Core => 0,
                    Self::Inside(link_id) => number(link_id),
                };
                Ipv6Addr::new(0x2001, 0xdb8, 0, net.into(), 0, 0, 0, machine.into()).into()
            }
        }
    }

    /// Returns the address of the machine with this number, with its prefix.
    pub(crate) fn interface(self, family: Family, machine: u8) -> Interface {
        Interface { address: self.address(family, machine), prefix: prefix(family) }
    }

    /// Returns the machine with this number as its neighbours know it.
    pub(crate) fn neighbour(self, family: Family, machine: u8) -> Neighbour {
        Neighbour { address: self.address(family, machine), mac: self.mac(machine) }
    }

    /// Returns the hardware address of the machine with this number; locally administered, like those of virtual machines.
    pub(crate) fn mac(self, machine: u8) -> String {
        let net = match self {
            Self::Core => 0,
            Self::Inside(link_id) => number(link_id),
        };
        format!("02:00:00:00:{net:02x}:{machine:02x}")
    }

    /// Returns the network itself, as `ip` and `nft` write it.
    pub(crate) fn range(self, family: Family) -> Interface {
        self.interface(family, 0)
    }
}

/// A machine on the same network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Neighbour {
    pub(crate) address: IpAddr,
    pub(crate) mac: String,
}

impl Neighbour {
    /// Returns the arguments of `ip neighbour`, without the verb.
    pub(crate) fn setting(&self, interface: &str) -> String {
        format!("{} lladdr {} dev {interface} nud permanent", self.address, self.mac)
    }
}

impl Interface {
    /// Returns the network of all addresses.
    pub(crate) fn everywhere(family: Family) -> Self {
        let address = match family {
            Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
            Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
        };
        Self { address, prefix: 0 }
    }

    /// Returns an address as a network of its own.
    pub(crate) fn single(address: IpAddr) -> Self {
        let prefix = match address {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        Self { address, prefix }
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.address, self.prefix)
    }
}

fn prefix(family: Family) -> u8 {
    match family {
        Family::V4 => 24,
        Family::V6 => 64,
    }
}

fn number(link_id: LinkId) -> u8 {
    match link_id {
        LinkId::Wifi => 1,
        LinkId::Cell => 2,
        LinkId::B => 3,
        LinkId::Signaling => 4,
        LinkId::Turn => 5,
    }
}
