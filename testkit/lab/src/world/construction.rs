//! Builds a world, from the core outwards.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::network::Network;
use crate::address::{Interface, Neighbour, Net};
use crate::error::LabError;
use crate::fault::Side;
use crate::host::Host;
use crate::link::{End, Link};
use crate::namespace::Namespace;
use crate::relay::Relay;
use crate::resolver::Resolver;
use crate::router::Router;
use crate::self_check;
use crate::topology::{Family, LinkId, Nat, Topology};
use crate::uplink::{InterfaceConfig, Reach, Uplink};

/// A place behind a router of its own.
struct Site {
    side: Side,
    link_id: LinkId,
    router: &'static str,
    /// The number of the router in the core.
    number: u8,
    /// The host's name for its interface.
    interface: &'static str,
    /// The metric of its default route; the host prefers the lowest.
    rank: u32,
}

const SITES: [Site; 3] = [
    Site { side: Side::A, link_id: LinkId::Wifi, router: "home", number: 21, interface: "wifi", rank: 100 },
    Site { side: Side::A, link_id: LinkId::Cell, router: "cgn", number: 22, interface: "cell", rank: 200 },
    Site { side: Side::B, link_id: LinkId::B, router: "office", number: 23, interface: "eth0", rank: 100 },
];

/// A machine in the core, with its name and number.
struct Server {
    link_id: LinkId,
    name: &'static str,
    number: u8,
}

const SIGNALING: Server = Server { link_id: LinkId::Signaling, name: "signaling", number: 10 };
const TURN: Server = Server { link_id: LinkId::Turn, name: "turn", number: 11 };
/// The name server is in the core without an emulated link, so that only its own faults affect it.
const RESOLVER: u8 = 53;
/// The number of an address of the core that no host has.
const UNUSED: u8 = 99;
/// The number of the ports of the switch, to which nothing is ever sent.
const PORT: u8 = 254;
/// The numbers of the machines inside: the router, the host, and the host after a change of its address.
const ROUTER: u8 = 1;
const USUAL: u8 = 2;
const OTHER: u8 = 3;

/// Builds the network of a world.
pub(super) fn build(plan: &Topology) -> Result<Network, LabError> {
    self_check::run(plan.seed)?;
    let mut builder = Builder {
        plan: plan.clone(),
        core: core()?,
        links: BTreeMap::new(),
        uplinks: Vec::new(),
        routers: Vec::new(),
    };
    let resolver = builder.resolver()?;
    let names = resolver.address();
    let (a, b) = (builder.namespace("a")?, builder.namespace("b")?);
    for site in &SITES {
        let host = match site.side {
            Side::A => &a,
            Side::B => &b,
        };
        builder.site(site, host)?;
    }
    let signaling = builder.server(&SIGNALING, names)?;
    let relay = match plan.turn {
        true => Some(Relay::start(builder.server(&TURN, names)?)?),
        false => None,
    };
    let inside = |link_id| Net::Inside(link_id).address(plan.family, USUAL);
    let a = Host::new(a, vec![inside(LinkId::Wifi), inside(LinkId::Cell)], names)?;
    let b = Host::new(b, vec![inside(LinkId::B)], names)?;
    let Builder { links, uplinks, routers, .. } = builder;
    Ok(Network { a, b, signaling, relay, links, uplinks, routers, resolver })
}

struct Builder {
    plan: Topology,
    core: Namespace,
    links: BTreeMap<LinkId, Link>,
    uplinks: Vec<Uplink>,
    routers: Vec<(Side, Router)>,
}

impl Builder {
    /// Creates a machine without interfaces.
    fn namespace(&self, name: &str) -> Result<Namespace, LabError> {
        let settings: &[_] = match self.plan.family {
            Family::V4 => &ONLY_V4,
            Family::V6 => &V6_AT_ONCE,
        };
        Namespace::create(name, &[&COMMON[..], settings].concat())
    }

    /// Connects a host to the core through a router of its own.
    fn site(&mut self, site: &Site, host: &Namespace) -> Result<(), LabError> {
        let (family, inside) = (self.plan.family, Net::Inside(site.link_id));
        let router = Router::create(site.router, self.plan.nat, self.opposite(site.side))?;
        let wan = Net::Core.interface(family, site.number);
        self.attach(router.namespace(), "wan", site.router, site.number)?;
        let macs = [inside.mac(USUAL), inside.mac(ROUTER)];
        let ends = [
            End { namespace: host, interface: site.interface, mac: &macs[0] },
            End { namespace: router.namespace(), interface: "lan", mac: &macs[1] },
        ];
        self.connect(site.link_id, site.interface, ends)?;
        let mut commands = self.settle("wan", site.number);
        commands += &format!("address add {} dev lan nodad\n", inside.interface(family, ROUTER));
        for address in [USUAL, OTHER].map(|machine| inside.address(family, machine)) {
            let host = Neighbour { address, mac: inside.mac(USUAL) };
            commands += &format!("neighbour add {}\n", host.setting("lan"));
        }
        for (net, gateway) in
            self.routes_with_default().into_iter().filter(|(_, gateway)| *gateway != wan.address)
        {
            commands += &format!("route add {net} via {gateway} dev wan\n");
        }
        router.namespace().ip(&commands)?;
        let config = InterfaceConfig {
            link_id: site.link_id,
            interface: site.interface,
            family,
            usual: inside.interface(family, USUAL),
            other: inside.interface(family, OTHER),
            reach: Reach::World { gateway: inside.address(family, ROUTER), rank: site.rank },
            neighbours: vec![inside.neighbour(family, ROUTER)],
        };
        self.uplinks.push(Uplink::manage(host.clone(), config)?);
        self.routers.push((site.side, router));
        Ok(())
    }

    /// Creates a machine in the core, behind an emulated link.
    fn server(&mut self, server: &Server, names: IpAddr) -> Result<Host, LabError> {
        let namespace = self.namespace(server.name)?;
        let (core, macs) = (self.core.clone(), [Net::Core.mac(server.number), Net::Core.mac(PORT)]);
        let ends = [
            End { namespace: &namespace, interface: "eth0", mac: &macs[0] },
            End { namespace: &core, interface: server.name, mac: &macs[1] },
        ];
        self.connect(server.link_id, server.name, ends)?;
        self.core.ip(&format!("link set {} master {BRIDGE}\n", server.name))?;
        let address = Net::Core.interface(self.plan.family, server.number);
        let config = InterfaceConfig {
            link_id: server.link_id,
            interface: "eth0",
            family: self.plan.family,
            usual: address,
            other: address,
            reach: Reach::Nets(self.routes_with_default()),
            neighbours: self.neighbours(server.number),
        };
        self.uplinks.push(Uplink::manage(namespace.clone(), config)?);
        Host::new(namespace, vec![address.address], names)
    }

    /// Creates the name server, which resolves the names of the servers.
    fn resolver(&self) -> Result<Resolver, LabError> {
        let namespace = self.namespace("names")?;
        namespace.set(&[("ipv4/ip_forward", "0"), ("ipv6/conf/all/forwarding", "0")])?;
        self.attach(&namespace, "eth0", "names", RESOLVER)?;
        let address = |number| Net::Core.address(self.plan.family, number);
        let mut commands = self.settle("eth0", RESOLVER);
        for (net, gateway) in self.routes() {
            commands += &format!("route add {net} via {gateway} dev eth0\n");
        }
        namespace.ip(&commands)?;
        let names = [SIGNALING, TURN].map(|server| (format!("{}.lab", server.name), address(server.number)));
        let clients = SITES.iter().flat_map(|site| {
            let inside =
                [USUAL, OTHER].map(|number| Net::Inside(site.link_id).address(self.plan.family, number));
            inside.into_iter().chain([address(site.number)]).map(|client| (client, site.side))
        });
        let unused_address = address(UNUSED);
        let records =
            crate::resolver::Records { names: names.into(), clients: clients.collect(), unused_address };
        namespace.within(|| Resolver::serve(address(RESOLVER), records))?
    }

    /// Creates an emulated cable.
    fn connect(&mut self, link_id: LinkId, name: &str, ends: [End<'_>; 2]) -> Result<(), LabError> {
        // A round trip crosses two such links, each twice.
        let delay = self.plan.rtt / 4;
        // Any odd number with well mixed bits makes the links differ (Knuth's is 2^64 / golden ratio).
        let seed = self.plan.seed ^ (link_id as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.links.insert(link_id, Link::connect(name, ends, delay, seed)?);
        Ok(())
    }

    /// Connects an interface to the core without anything in between.
    fn attach(
        &self,
        namespace: &Namespace,
        interface: &str,
        port: &str,
        machine: u8,
    ) -> Result<(), LabError> {
        let (name, mac) = (namespace.name(), Net::Core.mac(machine));
        let mut commands =
            format!("link add {port} type veth peer name {interface} address {mac} netns {name}\n");
        commands += &format!("link set {port} master {BRIDGE} up\n");
        self.core.ip(&commands)?;
        namespace.ip(&format!("link set {interface} up\n"))
    }

    /// Returns the commands that give an interface of the core its address and neighbours.
    fn settle(&self, interface: &str, machine: u8) -> String {
        let place = Net::Core.interface(self.plan.family, machine);
        let mut commands = format!("address add {place} dev {interface} nodad\n");
        for neighbour in self.neighbours(machine) {
            commands += &format!("neighbour add {}\n", neighbour.setting(interface));
        }
        commands
    }

    /// Returns the static neighbours of a machine of the core: all others, and an absent one so that frames to it vanish.
    fn neighbours(&self, machine: u8) -> Vec<Neighbour> {
        let routers = SITES.iter().map(|site| site.number);
        let machines = routers.chain([SIGNALING.number, TURN.number, RESOLVER, UNUSED]);
        let others = machines.filter(|other| *other != machine);
        others.map(|other| Net::Core.neighbour(self.plan.family, other)).collect()
    }

    /// Returns the routes inside, and a default route to the name server, which forwards nothing and sends no ICMP.
    ///
    /// On the internet packets to private addresses elsewhere vanish silently, too.
    /// coturn would even end the session of a client that sends to an address without a route.
    fn routes_with_default(&self) -> Vec<(Interface, IpAddr)> {
        let nowhere = Net::Core.address(self.plan.family, RESOLVER);
        let mut routes = self.routes();
        routes.push((Interface::everywhere(self.plan.family), nowhere));
        routes
    }

    /// Returns the routes inside, where routers do not translate.
    fn routes(&self) -> Vec<(Interface, IpAddr)> {
        let family = self.plan.family;
        let route =
            |site: &Site| (Net::Inside(site.link_id).range(family), Net::Core.address(family, site.number));
        match self.plan.nat {
            Nat::Routed => SITES.iter().map(route).collect(),
            Nat::PortPreserving | Nat::Symmetric => Vec::new(),
        }
    }

    /// Returns the networks of the other side: its routers, and their inside networks.
    fn opposite(&self, side: Side) -> Vec<Interface> {
        let family = self.plan.family;
        let sites = SITES.iter().filter(|site| site.side != side);
        sites
            .flat_map(|site| {
                let router = Net::Core.address(family, site.number);
                [Interface::single(router), Net::Inside(site.link_id).range(family)]
            })
            .collect()
    }
}

/// Creates the core: a switch.
fn core() -> Result<Namespace, LabError> {
    let core = Namespace::create("core", &[("ipv6/conf/default/disable_ipv6", "1")])?;
    // Everything passes at once: no listening state, no multicast snooping (IPv6 needs multicast for neighbours).
    core.ip(&format!(
        "link add {BRIDGE} type bridge forward_delay 0 stp_state 0 mcast_snooping 0\nlink set {BRIDGE} up\n"
    ))?;
    Ok(core)
}

const BRIDGE: &str = "switch";

/// Answers leave by the interface of their address, and an interface keeps its second address when it loses its first.
const COMMON: [(&str, &str); 3] = [
    ("ipv4/conf/all/rp_filter", "0"),
    ("ipv4/conf/default/rp_filter", "0"),
    ("ipv4/conf/all/promote_secondaries", "1"),
];
const ONLY_V4: [(&str, &str); 2] =
    [("ipv6/conf/all/disable_ipv6", "1"), ("ipv6/conf/default/disable_ipv6", "1")];
/// Addresses can be used at once; they are unique (RFC 4862 section 5.4 allows hosts to skip duplicate detection).
const V6_AT_ONCE: [(&str, &str); 2] =
    [("ipv6/conf/all/accept_dad", "0"), ("ipv6/conf/default/accept_dad", "0")];
