//! Observations from messages as the kernel writes them.

use netlink_packet_core::Emitable;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{LinkAttribute, LinkMessage};
use netlink_packet_route::route::{RouteAttribute, RouteMessage};

use super::*;

const ALL_UP: LinkFlags = LinkFlags::Up.union(LinkFlags::LowerUp).union(LinkFlags::Running);

#[test]
fn an_interface_has_its_carrier_and_addresses() {
    let observation = assembled(|builder| {
        builder.add_link(&link(2, "wifi", ALL_UP));
        builder.add_address(&addressed(2, "10.1.0.2", AddressFlags::Permanent));
        builder.add_address(&addressed(2, "2001:db8::2", AddressFlags::empty()));
    });
    let wifi = &observation.outside.interfaces["wifi"];
    assert!(wifi.carrier);
    assert_eq!(wifi.addresses, ["10.1.0.2", "2001:db8::2"].map(ip).into());
}

#[test]
fn a_carrier_needs_all_three_flags() {
    for flag in [LinkFlags::Up, LinkFlags::LowerUp, LinkFlags::Running] {
        let observation = assembled(|builder| builder.add_link(&link(2, "wifi", ALL_UP.difference(flag))));
        assert!(!observation.outside.interfaces["wifi"].carrier, "{flag:?}");
    }
}

#[test]
fn loopback_is_separate() {
    let observation = assembled(|builder| {
        builder.add_link(&link(1, "lo", ALL_UP | LinkFlags::Loopback));
        builder.add_address(&addressed(1, "127.0.0.1", AddressFlags::Permanent));
    });
    assert!(observation.outside.interfaces.is_empty());
    assert_eq!(observation.loopback["lo"].addresses, [ip("127.0.0.1")].into());
}

#[test]
fn tentative_duplicate_and_link_local_addresses_are_left_out() {
    let observation = assembled(|builder| {
        builder.add_link(&link(2, "wifi", ALL_UP));
        builder.add_address(&addressed(2, "2001:db8::2", AddressFlags::Tentative));
        builder.add_address(&addressed(2, "2001:db8::3", AddressFlags::Dadfailed));
        builder.add_address(&addressed(2, "fe80::4", AddressFlags::Permanent));
        let optimistic = AddressFlags::Tentative | AddressFlags::Optimistic;
        builder.add_address(&addressed(2, "2001:db8::5", optimistic));
    });
    assert_eq!(observation.outside.interfaces["wifi"].addresses, [ip("2001:db8::5")].into());
}

#[test]
fn the_address_on_a_point_to_point_link_is_ours() {
    let mut message = AddressMessage::default();
    (message.header.family, message.header.index) = (AddressFamily::Inet, 2);
    message.attributes =
        vec![AddressAttribute::Address(ip("10.8.0.1")), AddressAttribute::Local(ip("10.8.0.2"))];
    let observation = assembled(|builder| {
        builder.add_link(&link(2, "tun", ALL_UP));
        builder.add_address(&bytes(&message));
    });
    assert_eq!(observation.outside.interfaces["tun"].addresses, [ip("10.8.0.2")].into());
}

#[test]
fn a_default_route_has_name_and_source() {
    let observation = assembled(|builder| {
        builder.add_link(&link(2, "wifi", ALL_UP));
        builder.set_default_v4(&route(2, RouteType::Unicast, "10.1.0.2"));
        builder.set_default_v6(&route(2, RouteType::Unicast, "2001:db8::2"));
    });
    let route = |source| Some(DefaultRoute { interface: "wifi".to_owned(), source: Some(ip(source)) });
    assert_eq!(observation.outside.default_v4, route("10.1.0.2"));
    assert_eq!(observation.outside.default_v6, route("2001:db8::2"));
}

#[test]
fn a_route_that_refuses_packets_is_not_a_default_route() {
    for kind in [RouteType::Unreachable, RouteType::BlackHole, RouteType::Prohibit, RouteType::Local] {
        let observation = assembled(|builder| {
            builder.add_link(&link(2, "wifi", ALL_UP));
            builder.set_default_v4(&route(2, kind, "10.1.0.2"));
        });
        assert_eq!(observation.outside.default_v4, None, "{kind:?}");
    }
}

#[test]
fn a_route_over_an_unknown_link_is_not_a_default_route() {
    let observation = assembled(|builder| builder.set_default_v4(&route(9, RouteType::Unicast, "10.1.0.2")));
    assert_eq!(observation.outside.default_v4, None);
}

#[test]
fn a_truncated_message_does_not_panic() {
    let whole = [
        link(2, "wifi", ALL_UP),
        addressed(2, "10.1.0.2", AddressFlags::empty()),
        route(2, RouteType::Unicast, "10.1.0.2"),
    ];
    for message in &whole {
        for length in 0..message.len() {
            assembled(|builder| {
                builder.add_link(&message[..length]);
                builder.add_address(&message[..length]);
                builder.set_default_v4(&message[..length]);
            });
        }
    }
}

#[test]
fn unreadable_attributes_do_not_affect_others() {
    let mut message = link(2, "", ALL_UP)[..LINK_HEADER].to_vec();
    // A link-layer address, and a map of another length than any kernel writes.
    message.extend([5, 0, 1, 0, 9, 0, 0, 0, 5, 0, 14, 0, 1, 0, 0, 0]);
    message.extend_from_slice(&link(2, "wifi", ALL_UP)[LINK_HEADER..]);
    let observation = assembled(|builder| builder.add_link(&message));
    assert!(observation.outside.interfaces.contains_key("wifi"));
}

fn assembled(add: impl FnOnce(&mut ObservationBuilder)) -> Observation {
    let mut builder = ObservationBuilder::default();
    add(&mut builder);
    builder.build()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn link(index: u32, name: &str, flags: LinkFlags) -> Vec<u8> {
    let mut message = LinkMessage::default();
    (message.header.index, message.header.flags) = (index, flags);
    message.attributes = vec![LinkAttribute::Mtu(1500), LinkAttribute::IfName(name.to_owned())];
    bytes(&message)
}

fn addressed(index: u32, address: &str, flags: AddressFlags) -> Vec<u8> {
    let mut message = AddressMessage::default();
    (message.header.family, message.header.index) = (family(ip(address)), index);
    message.attributes = vec![AddressAttribute::Address(ip(address)), AddressAttribute::Flags(flags)];
    bytes(&message)
}

fn route(index: u32, kind: RouteType, source: &str) -> Vec<u8> {
    let mut message = RouteMessage::default();
    (message.header.address_family, message.header.kind) = (family(ip(source)), kind);
    message.attributes = vec![RouteAttribute::Oif(index), RouteAttribute::PrefSource(ip(source).into())];
    bytes(&message)
}

fn family(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

fn bytes(message: &impl Emitable) -> Vec<u8> {
    let mut bytes = vec![0; message.buffer_len()];
    message.emit(&mut bytes);
    bytes
}
