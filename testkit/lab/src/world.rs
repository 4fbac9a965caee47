//! The network of every scenario: two hosts behind NAT routers, and servers.

use self::network::Network;
use crate::clock::{FaultTiming, Flushed, Timestamp};
use crate::emulator::Carried;
use crate::error::LabError;
use crate::fault::{DnsFailure, Fault, Side};
use crate::host::Host;
use crate::link::{Carrier, Link};
use crate::relay::Relay;
use crate::topology::{LinkId, Topology};

mod construction;
mod network;

/// Two hosts, `a` with two uplinks and `b` with one, behind NAT routers, and the servers that they need.
///
/// It must be built inside an [`sandbox`](crate::sandbox), one in each, with which it ends.
/// The lab is the network manager of the hosts: it moves addresses and routes as part of the fault,
/// a few milliseconds after the carrier, and monitors nothing.
#[derive(Debug)]
pub struct World {
    network: Network,
    /// The active faults, from which the state of everything else is derived.
    faults: Vec<Fault>,
}

impl World {
    /// Builds a world, after measuring that emulated links delay and lose frames as configured.
    pub fn build(plan: &Topology) -> Result<Self, LabError> {
        Ok(Self { network: construction::build(plan)?, faults: Vec::new() })
    }

    /// Returns the host with two uplinks, `wifi` and `cell`.
    pub fn a(&self) -> &Host {
        &self.network.a
    }

    /// Returns the host with one uplink, `eth0`.
    pub fn b(&self) -> &Host {
        &self.network.b
    }

    /// Returns the host for the signaling server; the name `signaling.lab` is its address.
    pub fn signaling(&self) -> &Host {
        &self.network.signaling
    }

    /// Returns the host on which the STUN and TURN server runs, if the plan has one; the name `turn.lab` is its address.
    pub fn turn(&self) -> Option<&Host> {
        self.network.relay.as_ref().map(Relay::host)
    }

    /// Returns the STUN and TURN server as `turn:user:password@host:port`, if the plan has one.
    pub fn ice_server(&self) -> Option<String> {
        self.network.relay.as_ref().map(Relay::ice_server)
    }

    /// Returns what a link has carried so far, from its host and to it.
    pub fn carried(&mut self, link_id: LinkId) -> Result<[Carried; 2], LabError> {
        self.link(link_id)?.carried()
    }

    /// Returns the faults that were injected and not healed, in their order.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Begins a fault.
    ///
    /// Several can be active at the same time; of two of a kind in the same place the later one counts.
    pub fn inject(&mut self, fault: &Fault) -> Result<FaultTiming, LabError> {
        self.check(fault)?;
        if self.faults.contains(fault) {
            return Err(LabError::InvalidFault(format!("{fault:?} is active already")));
        }
        let began = Timestamp::now()?;
        let flushed = match fault {
            Fault::NatRebind(side) => Some(self.rebind(*side)?),
            Fault::Carrier(_)
            | Fault::SilentCut(..)
            | Fault::AdminDown(_)
            | Fault::AddressChange(_)
            | Fault::DefaultRouteSwitch(_)
            | Fault::Block(..)
            | Fault::Impair(..)
            | Fault::DnsFailure(..) => {
                self.faults.push(fault.clone());
                self.apply_faults()?;
                None
            }
        };
        Ok(FaultTiming { began, done: Timestamp::now()?, flushed })
    }

    /// Ends a fault that was injected.
    pub fn heal(&mut self, fault: &Fault) -> Result<FaultTiming, LabError> {
        let place = self.faults.iter().position(|injected| injected == fault);
        let place = place.ok_or_else(|| LabError::InvalidFault(format!("{fault:?} is not active")))?;
        let began = Timestamp::now()?;
        self.faults.remove(place);
        self.apply_faults()?;
        Ok(FaultTiming { began, done: Timestamp::now()?, flushed: None })
    }

    /// Applies the active faults to everything.
    fn apply_faults(&mut self) -> Result<(), LabError> {
        // Carriers first, because a network manager reacts to them.
        for (link_id, link) in &mut self.network.links {
            let faults = faults_at(&self.faults, *link_id);
            let pulled = faults.iter().any(|fault| matches!(fault, Fault::Carrier(_)));
            link.set_carrier(if pulled { Carrier::Down } else { Carrier::Up })?;
            link.apply_faults(&faults)?;
        }
        self.settle()?;
        for uplink in &mut self.network.uplinks {
            uplink.apply_faults(&faults_at(&self.faults, uplink.link_id()))?;
        }
        self.settle()?;
        for (side, router) in &mut self.network.routers {
            let blocks = self.faults.iter().filter_map(|fault| match fault {
                Fault::Block(target, block) => (target == side).then(|| block.clone()),
                Fault::Carrier(_)
                | Fault::SilentCut(..)
                | Fault::AdminDown(_)
                | Fault::AddressChange(_)
                | Fault::DefaultRouteSwitch(_)
                | Fault::NatRebind(_)
                | Fault::Impair(..)
                | Fault::DnsFailure(..) => None,
            });
            router.block(blocks.collect())?;
        }
        for side in [Side::A, Side::B] {
            self.network.resolver.set_failure(side, dns_failure(&self.faults, side));
        }
        Ok(())
    }

    /// Waits until every interface has the carrier state of its link.
    fn settle(&mut self) -> Result<(), LabError> {
        for uplink in &self.network.uplinks {
            if let Some(link) = self.network.links.get_mut(&uplink.link_id()) {
                link.settle(uplink.power())?;
            }
        }
        Ok(())
    }

    /// Makes the routers of a side drop their translations.
    fn rebind(&mut self, side: Side) -> Result<Flushed, LabError> {
        let mut sum = Flushed::default();
        for (_, router) in self.network.routers.iter_mut().filter(|(behind, _)| *behind == side) {
            let flushed = router.rebind()?;
            sum = Flushed { udp: sum.udp + flushed.udp, tcp: sum.tcp + flushed.tcp };
        }
        Ok(sum)
    }

    fn link(&mut self, link_id: LinkId) -> Result<&mut Link, LabError> {
        let missing =
            || LabError::InvalidFault(format!("the topology of this world has no link {link_id:?}"));
        self.network.links.get_mut(&link_id).ok_or_else(missing)
    }

    /// Rejects a fault that this world cannot have.
    fn check(&mut self, fault: &Fault) -> Result<(), LabError> {
        match fault {
            Fault::Carrier(link_id)
            | Fault::SilentCut(link_id, _)
            | Fault::AdminDown(link_id)
            | Fault::Impair(link_id, _) => self.link(*link_id).map(drop),
            Fault::AddressChange(LinkId::Wifi | LinkId::Cell | LinkId::B) => Ok(()),
            Fault::AddressChange(LinkId::Signaling | LinkId::Turn) => {
                Err(LabError::InvalidFault("the servers of this world do not move".to_owned()))
            }
            Fault::DefaultRouteSwitch(_) | Fault::Block(..) | Fault::NatRebind(_) | Fault::DnsFailure(..) => {
                Ok(())
            }
        }
    }
}

/// Returns the faults of a link and of the interface at its host's end.
fn faults_at(faults: &[Fault], link_id: LinkId) -> Vec<&Fault> {
    let concerns = |fault: &&Fault| match fault {
        Fault::Carrier(place)
        | Fault::SilentCut(place, _)
        | Fault::AdminDown(place)
        | Fault::AddressChange(place)
        | Fault::Impair(place, _) => *place == link_id,
        Fault::DefaultRouteSwitch(_) => link_id == LinkId::Wifi,
        Fault::Block(..) | Fault::NatRebind(_) | Fault::DnsFailure(..) => false,
    };
    faults.iter().filter(concerns).collect()
}

fn dns_failure(faults: &[Fault], side: Side) -> Option<DnsFailure> {
    faults.iter().rev().find_map(|fault| match fault {
        Fault::DnsFailure(target, failure) => (*target == side).then_some(*failure),
        Fault::Carrier(_)
        | Fault::SilentCut(..)
        | Fault::AdminDown(_)
        | Fault::AddressChange(_)
        | Fault::DefaultRouteSwitch(_)
        | Fault::Block(..)
        | Fault::NatRebind(_)
        | Fault::Impair(..) => None,
    })
}
