//! A cable with an emulator in its middle, which can be unplugged, cut and impaired.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::emulator::{Both, Carried, Emulator, Passage, Properties};
use crate::error::LabError;
use crate::fault::{Fault, Way};
use crate::impairment::Impairment;
use crate::namespace::Namespace;
use crate::tool;
use crate::uplink::Power;

/// An interface of a machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End<'a> {
    pub(crate) namespace: &'a Namespace,
    pub(crate) interface: &'a str,
    /// Its hardware address.
    pub(crate) mac: &'a str,
}

/// Whether a host's end has a carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    Up,
    Down,
}

/// A cable between a host and the network.
///
/// Its two ends are veth pairs whose inner ends are in a namespace of their own, where the emulator carries between them.
#[derive(Debug)]
pub(crate) struct Link {
    namespace: Namespace,
    emulator: Emulator,
    delay: Duration,
    carrier: Carrier,
    properties: Both<Properties>,
    /// The host's end.
    host: (Namespace, String),
    oper_state: OperState,
}

/// Whether the two ends of the host's half of the cable have a carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OperState {
    Up,
    Down,
}

impl Link {
    /// Connects a host to the network with a cable on which every frame waits for `delay`.
    pub(crate) fn connect(
        name: &str,
        ends: Both<End<'_>>,
        delay: Duration,
        seed: u64,
    ) -> Result<Self, LabError> {
        // The kernel must send nothing in the middle, because the emulator would carry it.
        let quiet = [("ipv6/conf/all/disable_ipv6", "1"), ("ipv6/conf/default/disable_ipv6", "1")];
        let namespace = Namespace::create(&format!("link-{name}"), &quiet)?;
        let mut commands = String::new();
        for (inner, end) in INNER.iter().zip(ends) {
            let End { namespace, interface, mac } = end;
            let outer = format!("name {interface} address {mac} netns {}", namespace.name());
            commands += &format!("link add {inner} type veth peer {outer}\n");
            commands += &format!("link set {inner} up\n");
        }
        namespace.ip(&commands)?;
        for end in ends {
            disable_offloads(end)?;
            end.namespace.ip(&format!("link set {} up\n", end.interface))?;
        }
        let emulator = Emulator::start(&namespace, INNER, seed)?;
        let properties = [Properties::default(); 2];
        let host = (ends[0].namespace.clone(), ends[0].interface.to_owned());
        let (carrier, oper_state) = (Carrier::Up, OperState::Down);
        let mut link = Self { namespace, emulator, delay, carrier, properties, host, oper_state };
        link.settle(Power::On)?;
        link.apply_faults(&[])?;
        Ok(link)
    }

    /// Unplugs the cable from the host, or plugs it in again.
    pub(crate) fn set_carrier(&mut self, carrier: Carrier) -> Result<(), LabError> {
        if self.carrier != carrier {
            let state = match carrier {
                Carrier::Up => "up",
                Carrier::Down => "down",
            };
            self.namespace.ip(&format!("link set {} {state}\n", INNER[0]))?;
            self.carrier = carrier;
        }
        Ok(())
    }

    /// Waits until both ends of the host's half have the carrier state that they should have.
    ///
    /// The kernel updates the carrier of an end a moment later, and until then it passes or drops frames as before.
    pub(crate) fn settle(&mut self, power: Power) -> Result<(), LabError> {
        let oper_state = match (self.carrier, power) {
            (Carrier::Up, Power::On) => OperState::Up,
            (Carrier::Up | Carrier::Down, Power::Off) | (Carrier::Down, Power::On) => OperState::Down,
        };
        if self.oper_state == oper_state {
            return Ok(());
        }
        let started = Instant::now();
        while self.ends()? != [oper_state; 2] {
            if started.elapsed() > TIMEOUT {
                return Err(LabError::Unexpected(format!(
                    "{} is not {oper_state:?} after {TIMEOUT:?}",
                    self.host.1
                )));
            }
        }
        self.oper_state = oper_state;
        Ok(())
    }

    /// Reads the state of both ends of the host's half.
    fn ends(&self) -> Result<[OperState; 2], LabError> {
        let ask = |namespace: &Namespace, interface: &str| {
            let words = ["-n", namespace.name(), "link", "show", interface];
            let shown = tool::run(Command::new("ip").args(words))?;
            Ok(if shown.contains("state UP") { OperState::Up } else { OperState::Down })
        };
        Ok([ask(&self.host.0, &self.host.1)?, ask(&self.namespace, INNER[0])?])
    }

    /// Applies these faults, all of this link, to every frame, and no others.
    pub(crate) fn apply_faults(&mut self, faults: &[&Fault]) -> Result<(), LabError> {
        let mut properties = [Properties { delay: self.delay, ..Properties::default() }; 2];
        for fault in faults {
            if let Fault::Impair(_, impairment) = fault {
                properties.iter_mut().for_each(|properties| properties.impairment = *impairment);
            }
            if let Fault::SilentCut(_, way) = fault {
                cut(&mut properties, *way);
            }
        }
        self.set_properties(properties)
    }

    /// Applies an impairment to every frame, per direction.
    pub(crate) fn impair(&mut self, impairments: Both<Impairment>) -> Result<(), LabError> {
        self.set_properties(impairments.map(|impairment| Properties {
            delay: self.delay,
            impairment,
            ..Properties::default()
        }))
    }

    /// Returns what was carried so far, from the host and to it.
    pub(crate) fn carried(&mut self) -> Result<Both<Carried>, LabError> {
        self.emulator.carried()
    }

    fn set_properties(&mut self, properties: Both<Properties>) -> Result<(), LabError> {
        if self.properties != properties {
            self.emulator.set_properties(properties)?;
            self.properties = properties;
        }
        Ok(())
    }
}

/// The kernel may delay carrier changes for a second (`linkwatch`), and a busy machine for longer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The ends in the middle: the host's and the network's.
const INNER: Both<&str> = ["near", "far"];

fn cut(properties: &mut Both<Properties>, way: Way) {
    let [out, into] = properties;
    match way {
        Way::Both => (out.passage, into.passage) = (Passage::Cut, Passage::Cut),
        Way::In => into.passage = Passage::Cut,
        Way::Out => out.passage = Passage::Cut,
    }
}

/// Switches off what would make the frames of an interface longer than the wire allows, or leave their checksums out.
fn disable_offloads(end: End<'_>) -> Result<(), LabError> {
    let words = ["-K", end.interface, "tx", "off", "tso", "off", "gso", "off", "gro", "off"];
    end.namespace.within(|| tool::run(Command::new("ethtool").args(words)))?.map(drop)
}
