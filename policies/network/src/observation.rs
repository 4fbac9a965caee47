//! What a scan of the host's interfaces and routes found, and which part of it is reported.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rejoin_core::NetworkSnapshot;
use rejoin_core::network::{DefaultRoute, Interface};

/// The destination for which the route to the internet is looked up: a.root-servers.net, to which nothing is sent.
///
/// The address is stable, and unlike an address for documentation no test network uses it as a subnet.
pub(crate) const INTERNET_V4: Ipv4Addr = Ipv4Addr::new(198, 41, 0, 4);
/// The same for IPv6.
pub(crate) const INTERNET_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0x503, 0xba3e, 0, 0, 0, 2, 0x30);

/// The result of one scan of the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Observation {
    /// The loopback interfaces.
    pub(crate) loopback: BTreeMap<String, Interface>,
    /// Everything else.
    pub(crate) outside: NetworkSnapshot,
}

impl Observation {
    /// Returns the default route over `interface` with `source`, if packets can leave by it.
    ///
    /// The kernel keeps a route over an interface that lost its carrier and may go on using it, but no packet leaves.
    pub(crate) fn default_route_via(&self, interface: &str, source: Option<IpAddr>) -> Option<DefaultRoute> {
        let carried = self.outside.interfaces.get(interface).is_some_and(|interface| interface.carrier);
        let usable = source.is_none_or(is_usable);
        (carried && usable).then(|| DefaultRoute { interface: interface.to_owned(), source })
    }
}

/// Leaves loopback out of snapshots once another interface had an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LoopbackFilter {
    /// Whether an interface other than loopback ever had an address.
    had_address: bool,
}

impl LoopbackFilter {
    /// Returns the snapshot to report for `observation`.
    ///
    /// Loopback is part of it only as long as no other interface had an address.
    /// It makes a host without any network usable for local peers, and must not hide that a network was lost:
    /// most hosts lose their addresses with their network.
    pub(crate) fn filter(&mut self, observation: Observation) -> NetworkSnapshot {
        let Observation { loopback, outside: mut snapshot } = observation;
        self.had_address |= snapshot.interfaces.values().any(|interface| !interface.addresses.is_empty());
        if !self.had_address {
            snapshot.interfaces.extend(loopback);
        }
        snapshot
    }
}

/// Lets only snapshots pass that differ from the last one.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChangeFilter {
    loopback_filter: LoopbackFilter,
    last: Option<NetworkSnapshot>,
}

impl ChangeFilter {
    /// Returns the snapshot to report for `observation`, if it differs from the last one.
    pub(crate) fn changed(&mut self, observation: Observation) -> Option<NetworkSnapshot> {
        let snapshot = self.loopback_filter.filter(observation);
        if self.last.as_ref() == Some(&snapshot) {
            return None;
        }
        self.last = Some(snapshot);
        self.last.clone()
    }
}

/// Returns whether `address` lets an interface reach another host.
///
/// Every IPv6 interface has a link-local address, even without a network behind it, so these do not count.
/// An IPv4 link-local address may be the only one that two hosts on one cable have, so these do.
pub(crate) fn is_usable(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !address.is_unspecified() && !address.is_loopback(),
        IpAddr::V6(address) => {
            !address.is_unspecified() && !address.is_loopback() && !address.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use rejoin_core::NetworkChange;

    use super::*;

    #[test]
    fn loopback_is_reported_while_the_host_has_nothing_else() {
        assert!(LoopbackFilter::default().filter(observation(&[])).is_usable());
    }

    #[test]
    fn loopback_is_left_out_beside_others() {
        let snapshot = LoopbackFilter::default().filter(observation(&["10.1.0.2"]));
        assert_eq!(snapshot.interfaces.keys().collect::<Vec<_>>(), ["wifi"]);
    }

    #[test]
    fn loopback_does_not_hide_a_loss() {
        let mut loopback_filter = LoopbackFilter::default();
        let old = loopback_filter.filter(observation(&["10.1.0.2"]));
        let new = loopback_filter.filter(observation(&[]));
        assert_eq!(NetworkChange::between(&old, &new), NetworkChange::Lost);
    }

    #[test]
    fn ipv6_link_local_addresses_are_not_usable() {
        let usable = |text: &str| text.parse().is_ok_and(is_usable);
        assert!(!usable("fe80::1") && !usable("::1") && !usable("127.0.0.1") && !usable("0.0.0.0"));
        assert!(usable("fd00::1") && usable("2001:db8::2") && usable("169.254.3.4") && usable("10.1.0.2"));
    }

    #[test]
    fn no_default_route_leads_over_an_interface_without_a_carrier() {
        let mut observation = observation(&["10.1.0.2"]);
        assert!(observation.default_route_via("wifi", None).is_some());
        observation.outside.interfaces.values_mut().for_each(|interface| interface.carrier = false);
        assert_eq!(observation.default_route_via("wifi", None), None);
    }

    #[test]
    fn no_default_route_has_a_link_local_source() {
        assert_eq!(observation(&["10.1.0.2"]).default_route_via("wifi", "fe80::1".parse().ok()), None);
    }

    /// A host with loopback and `wifi`, which has `addresses`.
    fn observation(addresses: &[&str]) -> Observation {
        let interface = |addresses: &[&str]| Interface {
            carrier: true,
            addresses: addresses.iter().filter_map(|address| address.parse().ok()).collect(),
        };
        Observation {
            loopback: [("lo".to_owned(), interface(&["127.0.0.1"]))].into(),
            outside: NetworkSnapshot {
                interfaces: [("wifi".to_owned(), interface(addresses))].into(),
                ..NetworkSnapshot::default()
            },
        }
    }
}
