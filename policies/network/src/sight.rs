//! What a look at the host's interfaces and routes found, and which part of it is told.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rejoin_core::NetworkSnapshot;
use rejoin_core::network::{DefaultRoute, Interface};

/// Where the way to the internet is asked for: a.root-servers.net, to which nothing is sent.
///
/// It stays where it is, and unlike an address for documentation it is never the subnet of a laboratory.
pub(crate) const FAR_V4: Ipv4Addr = Ipv4Addr::new(198, 41, 0, 4);
/// The same for IPv6.
pub(crate) const FAR_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0x503, 0xba3e, 0, 0, 0, 2, 0x30);

/// One look at the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sight {
    /// The loopback interfaces.
    pub(crate) loopback: BTreeMap<String, Interface>,
    /// Everything else.
    pub(crate) outside: NetworkSnapshot,
}

impl Sight {
    /// Returns the default route over `interface` with `source`, if packets can get anywhere by it.
    ///
    /// The kernel keeps a route over an interface that lost its carrier, and may go on using it: nothing leaves by it.
    pub(crate) fn leaving_by(&self, interface: &str, source: Option<IpAddr>) -> Option<DefaultRoute> {
        let carried = self.outside.interfaces.get(interface).is_some_and(|interface| interface.carrier);
        let heard = source.is_none_or(counts);
        (carried && heard).then(|| DefaultRoute { interface: interface.to_owned(), source })
    }
}

/// Whether loopback is all that this host has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seclusion {
    /// Whether an interface other than loopback ever had an address.
    left: bool,
}

impl Seclusion {
    /// Returns what of `sight` is told.
    ///
    /// Loopback is told only as long as no other interface had an address.
    /// It makes a host without any network usable for itself, and must not hide that a network was lost:
    /// most hosts lose their addresses with their network.
    pub(crate) fn judge(&mut self, sight: Sight) -> NetworkSnapshot {
        let Sight { loopback, outside: mut snapshot } = sight;
        self.left |= snapshot.interfaces.values().any(|interface| !interface.addresses.is_empty());
        if !self.left {
            snapshot.interfaces.extend(loopback);
        }
        snapshot
    }
}

/// What was told last, so that only what differs is told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    seclusion: Seclusion,
    last: Option<NetworkSnapshot>,
}

impl Told {
    /// Returns what of `sight` is told, if it differs from what was told last.
    pub(crate) fn news(&mut self, sight: Sight) -> Option<NetworkSnapshot> {
        let seen = self.seclusion.judge(sight);
        if self.last.as_ref() == Some(&seen) {
            return None;
        }
        self.last = Some(seen);
        self.last.clone()
    }
}

/// Returns whether `address` lets an interface reach anybody worth telling.
///
/// Every IPv6 interface has a link-local address, even without any network behind it.
/// An IPv4 link-local address may be all that two hosts on one cable have.
pub(crate) fn counts(address: IpAddr) -> bool {
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
    fn loopback_is_told_while_it_is_all_there_is() {
        assert!(Seclusion::default().judge(sight(&[])).is_usable());
    }

    #[test]
    fn loopback_is_left_out_beside_others() {
        let told = Seclusion::default().judge(sight(&["10.1.0.2"]));
        assert_eq!(told.interfaces.keys().collect::<Vec<_>>(), ["wifi"]);
    }

    #[test]
    fn loopback_does_not_hide_a_loss() {
        let mut seclusion = Seclusion::default();
        let old = seclusion.judge(sight(&["10.1.0.2"]));
        let new = seclusion.judge(sight(&[]));
        assert_eq!(NetworkChange::between(&old, &new), NetworkChange::Lost);
    }

    #[test]
    fn ipv6_link_local_addresses_do_not_count() {
        let counted = |text: &str| text.parse().is_ok_and(counts);
        assert!(!counted("fe80::1") && !counted("::1") && !counted("127.0.0.1") && !counted("0.0.0.0"));
        assert!(
            counted("fd00::1") && counted("2001:db8::2") && counted("169.254.3.4") && counted("10.1.0.2")
        );
    }

    #[test]
    fn nothing_leaves_by_an_interface_without_a_carrier() {
        let mut sight = sight(&["10.1.0.2"]);
        assert!(sight.leaving_by("wifi", None).is_some());
        sight.outside.interfaces.values_mut().for_each(|interface| interface.carrier = false);
        assert_eq!(sight.leaving_by("wifi", None), None);
    }

    #[test]
    fn nothing_leaves_from_a_link_local_source() {
        assert_eq!(sight(&["10.1.0.2"]).leaving_by("wifi", "fe80::1".parse().ok()), None);
    }

    /// A host with loopback and `wifi`, which has `addresses`.
    fn sight(addresses: &[&str]) -> Sight {
        let interface = |addresses: &[&str]| Interface {
            carrier: true,
            addresses: addresses.iter().filter_map(|address| address.parse().ok()).collect(),
        };
        Sight {
            loopback: [("lo".to_owned(), interface(&["127.0.0.1"]))].into(),
            outside: NetworkSnapshot {
                interfaces: [("wifi".to_owned(), interface(addresses))].into(),
                ..NetworkSnapshot::default()
            },
        }
    }
}
