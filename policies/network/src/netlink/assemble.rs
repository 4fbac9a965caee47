//! Assembles the kernel's answers about links, addresses and routes into one observation.
//!
//! Attributes are read one by one, so that one from a newer kernel spoils neither its neighbours nor the interface.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use netlink_packet_core::{NlasIterator, parse_string, parse_u32};
use netlink_packet_route::address::{AddressFlags, AddressHeader};
use netlink_packet_route::link::{LinkFlags, LinkHeader};
use netlink_packet_route::route::{RouteHeader, RouteType};
use rejoin_core::network::{DefaultRoute, Interface};

use crate::observation::{Observation, is_usable};

// Kinds of attributes, from the kernel's if_link.h, if_addr.h and rtnetlink.h.
const IFLA_IFNAME: u16 = 3;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_FLAGS: u16 = 8;
const RTA_OIF: u16 = 4;
const RTA_PREFSRC: u16 = 7;
// Lengths of the headers before the attributes.
const LINK_HEADER: usize = 16;
const ADDRESS_HEADER: usize = 8;
const ROUTE_HEADER: usize = 12;

/// The answers of the kernel so far.
#[derive(Debug, Default)]
pub(super) struct ObservationBuilder {
    links: BTreeMap<u32, Link>,
    default_v4: Option<Egress>,
    default_v6: Option<Egress>,
}

#[derive(Debug)]
struct Link {
    name: String,
    loopback: bool,
    interface: Interface,
}

/// The default route: the index of a link, and the source address of packets.
#[derive(Debug)]
struct Egress {
    link: u32,
    source: Option<IpAddr>,
}

impl ObservationBuilder {
    /// Adds a link from the payload of an RTM_NEWLINK.
    ///
    /// A carrier is a lower layer that is up and not waiting for a login (dormant) or for a layer below itself.
    pub(super) fn add_link(&mut self, payload: &[u8]) {
        let Ok(header) = LinkHeader::parse(payload) else { return };
        let Some(name) = attribute(payload, LINK_HEADER, IFLA_IFNAME) else { return };
        let Ok(name) = parse_string(name) else { return };
        let carrier = header.flags.contains(LinkFlags::Up | LinkFlags::LowerUp | LinkFlags::Running);
        let interface = Interface { carrier, ..Interface::default() };
        let loopback = header.flags.contains(LinkFlags::Loopback);
        self.links.insert(header.index, Link { name, loopback, interface });
    }

    /// Adds an address from the payload of an RTM_NEWADDR to its link, which must have been added.
    ///
    /// An address that is, or may still turn out to be, a duplicate is left out: the kernel does not use it.
    pub(super) fn add_address(&mut self, payload: &[u8]) {
        let Ok(header) = AddressHeader::parse(payload) else { return };
        let long = attribute(payload, ADDRESS_HEADER, IFA_FLAGS).and_then(|bytes| parse_u32(bytes).ok());
        let flags = AddressFlags::from_bits_retain(long.unwrap_or(header.flags.bits().into()));
        let undecided = flags.contains(AddressFlags::Tentative) && !flags.contains(AddressFlags::Optimistic);
        if undecided || flags.contains(AddressFlags::Dadfailed) {
            return;
        }
        // On a point-to-point link, IFA_ADDRESS is the peer's and IFA_LOCAL ours; IPv6 often has the former only.
        let own = attribute(payload, ADDRESS_HEADER, IFA_LOCAL);
        let Some(own) = own.or_else(|| attribute(payload, ADDRESS_HEADER, IFA_ADDRESS)) else { return };
        let (Some(own), Some(link)) = (address(own), self.links.get_mut(&header.index)) else { return };
        if link.loopback || is_usable(own) {
            link.interface.addresses.insert(own);
        }
    }

    /// Takes the IPv4 default route from the payload of an RTM_NEWROUTE.
    pub(super) fn set_default_v4(&mut self, payload: &[u8]) {
        self.default_v4 = egress(payload);
    }

    /// Takes the IPv6 default route from the payload of an RTM_NEWROUTE.
    pub(super) fn set_default_v6(&mut self, payload: &[u8]) {
        self.default_v6 = egress(payload);
    }

    /// Returns the observation.
    pub(super) fn build(self) -> Observation {
        let names: BTreeMap<u32, String> =
            self.links.iter().map(|(index, link)| (*index, link.name.clone())).collect();
        let mut observation = Observation::default();
        for Link { name, loopback, interface } in self.links.into_values() {
            let interfaces =
                if loopback { &mut observation.loopback } else { &mut observation.outside.interfaces };
            interfaces.insert(name, interface);
        }
        let route = |egress: Option<Egress>| -> Option<DefaultRoute> {
            let egress = egress?;
            observation.default_route_via(names.get(&egress.link)?, egress.source)
        };
        let (default_v4, default_v6) = (route(self.default_v4), route(self.default_v6));
        (observation.outside.default_v4, observation.outside.default_v6) = (default_v4, default_v6);
        observation
    }
}

/// Returns the egress of a route, unless the route refuses packets.
fn egress(payload: &[u8]) -> Option<Egress> {
    let header = RouteHeader::parse(payload).ok()?;
    let link = parse_u32(attribute(payload, ROUTE_HEADER, RTA_OIF)?).ok()?;
    let source = attribute(payload, ROUTE_HEADER, RTA_PREFSRC).and_then(address);
    (header.kind == RouteType::Unicast).then_some(Egress { link, source })
}

/// Returns the value of the first attribute of a kind behind a header.
fn attribute(payload: &[u8], header: usize, kind: u16) -> Option<&[u8]> {
    NlasIterator::new(payload.get(header..)?).map_while(Result::ok).find(|nla| nla.kind() == kind).map(
        |nla| {
            let (start, end) = (4, nla.length() as usize);
            nla.into_inner().get(start..end)
        },
    )?
}

/// Reads an address from its bytes.
fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = || Some(IpAddr::from(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)));
    let v6 = || Some(IpAddr::from(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)));
    v4().or_else(v6)
}

#[cfg(test)]
mod tests;
