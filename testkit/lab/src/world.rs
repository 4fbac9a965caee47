//! The network that every scenario plays in: two hosts behind NAT routers, and servers.

use std::collections::BTreeMap;

use crate::emulator::Carried;
use crate::error::LabError;
use crate::fault::{DnsFailure, Fault, Side};
use crate::host::Host;
use crate::link::{Carrier, Link};
use crate::moment::{Deed, Flushed, Moment};
use crate::plan::{Line, Plan};
use crate::relay::Relay;
use crate::resolver::Resolver;
use crate::router::Router;
use crate::uplink::Uplink;

mod construction;

/// Two hosts, `a` with two uplinks and `b` with one, behind NAT routers, and the servers that they need.
///
/// It must be built inside an [`enclosure`](crate::enclosure), one in each, with which it ends.
/// The lab is the network manager of the hosts: it moves addresses and routes as part of the fault that calls for it,
/// a few milliseconds after the carrier, and watches nothing.
#[derive(Debug)]
pub struct World {
    a: Host,
    b: Host,
    signaling: Host,
    relay: Option<Relay>,
    links: BTreeMap<Line, Link>,
    uplinks: Vec<Uplink>,
    routers: Vec<(Side, Router)>,
    resolver: Resolver,
    /// What the world suffers; everything else follows from it.
    faults: Vec<Fault>,
}

impl World {
    /// Builds a world, and measures that its links really do to frames what they are told.
    pub fn build(plan: &Plan) -> Result<Self, LabError> {
        construction::build(plan)
    }

    /// Returns the host with two uplinks, `wifi` and `cell`.
    pub fn a(&self) -> &Host {
        &self.a
    }

    /// Returns the host with one uplink, `eth0`.
    pub fn b(&self) -> &Host {
        &self.b
    }

    /// Returns the host for the signaling server; the name `signaling.lab` is its address.
    pub fn signaling(&self) -> &Host {
        &self.signaling
    }

    /// Returns the host on which the STUN and TURN server runs, if the plan has one; the name `turn.lab` is its address.
    pub fn turn(&self) -> Option<&Host> {
        self.relay.as_ref().map(Relay::host)
    }

    /// Returns the STUN and TURN server as `turn:user:password@host:port`, if the plan has one.
    pub fn ice_server(&self) -> Option<String> {
        self.relay.as_ref().map(Relay::ice_server)
    }

    /// Returns what a link has carried so far, from its host and to it.
    pub fn carried(&mut self, line: Line) -> Result<[Carried; 2], LabError> {
        self.link(line)?.carried()
    }

    /// Returns the faults that were injected and not healed, in their order.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Begins a fault.
    ///
    /// Several may be there at the same time; of two of a kind in the same place the later one counts.
    pub fn inject(&mut self, fault: &Fault) -> Result<Deed, LabError> {
        self.check(fault)?;
        if self.faults.contains(fault) {
            return Err(LabError::Senseless(format!("{fault:?} is there already")));
        }
        let began = Moment::now()?;
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
                self.suffer()?;
                None
            }
        };
        Ok(Deed { began, done: Moment::now()?, flushed })
    }

    /// Ends a fault that was injected.
    pub fn heal(&mut self, fault: &Fault) -> Result<Deed, LabError> {
        let place = self.faults.iter().position(|injected| injected == fault);
        let place = place.ok_or_else(|| LabError::Senseless(format!("there is no {fault:?} to heal")))?;
        let began = Moment::now()?;
        self.faults.remove(place);
        self.suffer()?;
        Ok(Deed { began, done: Moment::now()?, flushed: None })
    }

    /// Makes everything what it is under the faults that there are.
    fn suffer(&mut self) -> Result<(), LabError> {
        // Carriers first, for a network manager acts upon them.
        for (line, link) in &mut self.links {
            let faults = of_line(&self.faults, *line);
            let pulled = faults.iter().any(|fault| matches!(fault, Fault::Carrier(_)));
            link.plug(if pulled { Carrier::Down } else { Carrier::Up })?;
            link.suffer(&faults)?;
        }
        self.settle()?;
        for uplink in &mut self.uplinks {
            uplink.suffer(&of_line(&self.faults, uplink.line()))?;
        }
        self.settle()?;
        for (side, router) in &mut self.routers {
            let blocks = self.faults.iter().filter_map(|fault| match fault {
                Fault::Block(suffering, block) => (suffering == side).then(|| block.clone()),
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
            self.resolver.suffer(side, dns_failure(&self.faults, side));
        }
        Ok(())
    }

    /// Waits until every interface has seen what happened to its link.
    fn settle(&mut self) -> Result<(), LabError> {
        for uplink in &self.uplinks {
            if let Some(link) = self.links.get_mut(&uplink.line()) {
                link.settle(uplink.power())?;
            }
        }
        Ok(())
    }

    /// Makes the routers of a side forget.
    fn rebind(&mut self, side: Side) -> Result<Flushed, LabError> {
        let mut sum = Flushed::default();
        for (_, router) in self.routers.iter_mut().filter(|(behind, _)| *behind == side) {
            let flushed = router.rebind()?;
            sum = Flushed { udp: sum.udp + flushed.udp, tcp: sum.tcp + flushed.tcp };
        }
        Ok(sum)
    }

    fn link(&mut self, line: Line) -> Result<&mut Link, LabError> {
        let missing = || LabError::Senseless(format!("the plan of this world has no link {line:?}"));
        self.links.get_mut(&line).ok_or_else(missing)
    }

    /// Refuses what this world cannot suffer.
    fn check(&mut self, fault: &Fault) -> Result<(), LabError> {
        match fault {
            Fault::Carrier(line)
            | Fault::SilentCut(line, _)
            | Fault::AdminDown(line)
            | Fault::Impair(line, _) => self.link(*line).map(drop),
            Fault::AddressChange(Line::Wifi | Line::Cell | Line::B) => Ok(()),
            Fault::AddressChange(Line::Signaling | Line::Turn) => {
                Err(LabError::Senseless("the servers of this world do not move".to_owned()))
            }
            Fault::DefaultRouteSwitch(_) | Fault::Block(..) | Fault::NatRebind(_) | Fault::DnsFailure(..) => {
                Ok(())
            }
        }
    }
}

/// Returns the faults of a link and of the interface at its host's end.
fn of_line(faults: &[Fault], line: Line) -> Vec<&Fault> {
    let concerns = |fault: &&Fault| match fault {
        Fault::Carrier(place)
        | Fault::SilentCut(place, _)
        | Fault::AdminDown(place)
        | Fault::AddressChange(place)
        | Fault::Impair(place, _) => *place == line,
        Fault::DefaultRouteSwitch(_) => line == Line::Wifi,
        Fault::Block(..) | Fault::NatRebind(_) | Fault::DnsFailure(..) => false,
    };
    faults.iter().filter(concerns).collect()
}

fn dns_failure(faults: &[Fault], side: Side) -> Option<DnsFailure> {
    faults.iter().rev().find_map(|fault| match fault {
        Fault::DnsFailure(suffering, failure) => (*suffering == side).then_some(*failure),
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
