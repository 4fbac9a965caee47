//! What the network manager of a host does for one of its interfaces: addresses, routes and rules.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::address::{Interface, Neighbour};
use crate::error::LabError;
use crate::fault::{Fault, OldAddress};
use crate::namespace::Namespace;
use crate::topology::{Family, LinkId};

/// The configuration of an interface of a host.
#[derive(Clone, Debug)]
pub(crate) struct InterfaceConfig {
    pub(crate) link_id: LinkId,
    pub(crate) interface: &'static str,
    pub(crate) family: Family,
    /// The usual address.
    pub(crate) usual: Interface,
    /// The address after an address change.
    pub(crate) other: Interface,
    pub(crate) reach: Reach,
    /// Static neighbours, so that no neighbour discovery fails while a link is silent.
    pub(crate) neighbours: Vec<Neighbour>,
}

/// Where an interface leads.
#[derive(Clone, Debug)]
pub(crate) enum Reach {
    /// Everywhere, through a gateway; the lowest rank is preferred.
    World { gateway: IpAddr, rank: u32 },
    /// To its own network, and to these through their gateways.
    Nets(Vec<(Interface, IpAddr)>),
}

/// An interface of a host under management.
#[derive(Debug)]
pub(crate) struct Uplink {
    namespace: Namespace,
    config: InterfaceConfig,
    /// The settings that the kernel has, as arguments of `ip` without `add`.
    applied: BTreeSet<Setting>,
    power: Power,
}

/// The order is the one in which they are added.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Setting {
    Address(String),
    Neighbour(String),
    Route(String),
    Rule(String),
}

/// Whether an interface is switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Power {
    On,
    Off,
}

impl Uplink {
    /// Configures an interface that is up and has no settings yet.
    pub(crate) fn manage(namespace: Namespace, config: InterfaceConfig) -> Result<Self, LabError> {
        let mut uplink = Self { namespace, config, applied: BTreeSet::new(), power: Power::On };
        uplink.apply_faults(&[])?;
        Ok(uplink)
    }

    pub(crate) fn link_id(&self) -> LinkId {
        self.config.link_id
    }

    pub(crate) fn power(&self) -> Power {
        self.power
    }

    /// Applies these faults to the interface, with as few changes as possible.
    pub(crate) fn apply_faults(&mut self, faults: &[&Fault]) -> Result<(), LabError> {
        let power = if faults.iter().any(|fault| matches!(fault, Fault::AdminDown(_))) {
            Power::Off
        } else {
            Power::On
        };
        let mut commands = String::new();
        match (self.power, power) {
            (Power::Off, Power::Off) => return Ok(()),
            (Power::On, Power::Off) => {
                commands += &format!("link set {} down\n", self.config.interface);
                self.applied.retain(|setting| survives(setting, self.config.family));
            }
            (Power::Off, Power::On) => commands += &format!("link set {} up\n", self.config.interface),
            (Power::On, Power::On) => {}
        }
        if power == Power::On {
            let wanted = self.config.settings(faults);
            // New settings come first, so that a route that exists before and after never disappears in between.
            for setting in wanted.difference(&self.applied) {
                commands += &setting.command("add");
            }
            for setting in self.applied.difference(&wanted).collect::<Vec<_>>().into_iter().rev() {
                commands += &setting.command("del");
            }
            self.applied = wanted;
        }
        self.power = power;
        if commands.is_empty() { Ok(()) } else { self.namespace.ip_of(self.config.family, &commands) }
    }
}

impl InterfaceConfig {
    /// Returns all settings of the interface under these faults.
    fn settings(&self, faults: &[&Fault]) -> BTreeSet<Setting> {
        let has = |wanted: fn(&Fault) -> bool| faults.iter().any(|fault| wanted(fault));
        let Self { interface, .. } = self;
        let known = |neighbour: &Neighbour| Setting::Neighbour(neighbour.setting(interface));
        let mut settings: BTreeSet<_> = self.neighbours.iter().map(known).collect();
        if has(|fault| matches!(fault, Fault::DefaultRouteSwitch(OldAddress::Dropped))) {
            return settings;
        }
        let carrier_lost = has(|fault| matches!(fault, Fault::Carrier(_)));
        let left = has(|fault| matches!(fault, Fault::DefaultRouteSwitch(OldAddress::Kept)));
        let address =
            if has(|fault| matches!(fault, Fault::AddressChange(_))) { self.other } else { self.usual };
        settings.insert(Setting::Address(format!("{address} dev {interface}")));
        match &self.reach {
            Reach::World { gateway, rank } => {
                // Packets of sockets bound to the address leave by this interface, whatever the default route is.
                let table = TABLES + rank;
                settings
                    .insert(Setting::Route(format!("default via {gateway} dev {interface} table {table}")));
                settings.insert(Setting::Rule(format!("from {} lookup {table}", address.address)));
                let rank = if left { rank + LEFT } else { *rank };
                if !carrier_lost {
                    let route = format!("default via {gateway} dev {interface} metric {rank}");
                    settings.insert(Setting::Route(route));
                }
            }
            Reach::Nets(nets) => settings.extend(
                nets.iter()
                    .map(|(net, gateway)| Setting::Route(format!("{net} via {gateway} dev {interface}"))),
            ),
        }
        settings
    }
}

impl Setting {
    fn command(&self, verb: &str) -> String {
        match self {
            // The address is unique, so IPv6 need not wait a second for duplicate detection (RFC 4862 section 5.4).
            Self::Address(text) if verb == "add" => format!("address add {text} nodad\n"),
            Self::Address(text) => format!("address {verb} {text}\n"),
            Self::Neighbour(text) => format!("neighbour {verb} {text}\n"),
            Self::Route(text) => format!("route {verb} {text}\n"),
            Self::Rule(text) => format!("rule {verb} {text}\n"),
        }
    }
}

/// The routing tables by source address start here.
const TABLES: u32 = 1_000;
/// What is added to the rank of an uplink that lost its preference; more than any difference of ranks.
const LEFT: u32 = 10_000;

/// Returns whether the kernel keeps a setting when its interface is switched off.
fn survives(setting: &Setting, family: Family) -> bool {
    match setting {
        Setting::Address(_) => family == Family::V4,
        Setting::Neighbour(_) | Setting::Route(_) => false,
        Setting::Rule(_) => true,
    }
}
