//! What the host network looks like, and what a change of it means.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// One network interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Whether a cable, an access point or a cell is attached.
    pub carrier: bool,
    /// Its addresses.
    pub addresses: BTreeSet<IpAddr>,
}

/// Where packets leave by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultRoute {
    /// The interface's name.
    pub interface: String,
    /// The address that such packets carry.
    pub source: Option<IpAddr>,
}

/// What the network looked like at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkSnapshot {
    /// Interfaces by name.
    pub interfaces: BTreeMap<String, Interface>,
    /// The IPv4 default route.
    pub default_v4: Option<DefaultRoute>,
    /// The IPv6 default route.
    pub default_v6: Option<DefaultRoute>,
}

impl NetworkSnapshot {
    /// Returns whether any interface has a carrier and an address.
    pub fn is_usable(&self) -> bool {
        self.usable_interfaces() > 0
    }

    /// Returns how many interfaces have a carrier and an address.
    pub fn usable_interfaces(&self) -> usize {
        let usable = |interface: &&Interface| interface.carrier && !interface.addresses.is_empty();
        self.interfaces.values().filter(usable).count()
    }

    /// Returns the interface that has `address` and a carrier.
    pub fn uplink_of(&self, address: IpAddr) -> Option<&str> {
        let has = |(_, one): &(&String, &Interface)| one.carrier && one.addresses.contains(&address);
        self.interfaces.iter().find(has).map(|(name, _)| name.as_str())
    }

    /// Returns the interfaces with a carrier and an address, without the one called `name`.
    pub fn uplinks_beside(&self, name: &str) -> BTreeMap<String, Interface> {
        let other = |(known, one): &(&String, &Interface)| {
            *known != name && one.carrier && one.addresses.iter().any(|address| !address.is_loopback())
        };
        self.interfaces.iter().filter(other).map(|(name, one)| (name.clone(), one.clone())).collect()
    }

    /// Returns whether `address` leads over an interface that works.
    fn works(&self, address: &DefaultRoute) -> bool {
        self.interfaces.get(&address.interface).is_some_and(|interface| {
            interface.carrier && address.source.is_none_or(|source| interface.addresses.contains(&source))
        })
    }
}

/// What happened between two snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkChange {
    /// Nothing that matters.
    None,
    /// Something that does not carry our packets changed.
    Minor,
    /// Our packets leave by another interface or address, or their carrier is gone: repair at once.
    Major,
    /// No usable interface is left.
    Lost,
    /// A network is there again.
    Back,
}

impl NetworkChange {
    /// Returns what happened from `old` to `new`.
    pub fn between(old: &NetworkSnapshot, new: &NetworkSnapshot) -> Self {
        match (old.is_usable(), new.is_usable()) {
            (true, false) => return Self::Lost,
            (false, true) => return Self::Back,
            (true, true) | (false, false) => {}
        }
        if old == new {
            return Self::None;
        }
        let moved = |old_route: &Option<DefaultRoute>, new_route: &Option<DefaultRoute>| {
            let broke = old_route.as_ref().is_some_and(|address| old.works(address) && !new.works(address));
            broke || old_route != new_route
        };
        if moved(&old.default_v4, &new.default_v4) || moved(&old.default_v6, &new.default_v6) {
            Self::Major
        } else {
            Self::Minor
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(carriers: &[(&str, bool)], address: Option<&str>) -> NetworkSnapshot {
        let source = IpAddr::from([10, 1, 0, 2]);
        let interface = |carrier| Interface { carrier, addresses: BTreeSet::from([source]) };
        NetworkSnapshot {
            interfaces: carriers.iter().map(|(name, up)| ((*name).to_owned(), interface(*up))).collect(),
            default_v4: address.map(|name| DefaultRoute { interface: name.to_owned(), source: Some(source) }),
            default_v6: None,
        }
    }

    #[test]
    fn a_new_default_route_is_major() {
        let old = snapshot(&[("wifi", true), ("cell", true)], Some("wifi"));
        let new = snapshot(&[("wifi", true), ("cell", true)], Some("cell"));
        assert_eq!(NetworkChange::between(&old, &new), NetworkChange::Major);
    }

    #[test]
    fn carrier_loss_with_an_alternative_is_major() {
        let old = snapshot(&[("wifi", true), ("cell", true)], Some("wifi"));
        let new = snapshot(&[("wifi", false), ("cell", true)], Some("wifi"));
        assert_eq!(NetworkChange::between(&old, &new), NetworkChange::Major);
    }

    #[test]
    fn an_unused_interface_is_minor() {
        let old = snapshot(&[("wifi", true)], Some("wifi"));
        let new = snapshot(&[("wifi", true), ("usb", true)], Some("wifi"));
        assert_eq!(NetworkChange::between(&old, &new), NetworkChange::Minor);
    }

    #[test]
    fn the_last_carrier_decides_lost_and_back() {
        let (up, down) = (snapshot(&[("wifi", true)], None), snapshot(&[("wifi", false)], None));
        assert_eq!(NetworkChange::between(&up, &down), NetworkChange::Lost);
        assert_eq!(NetworkChange::between(&down, &up), NetworkChange::Back);
    }
}
