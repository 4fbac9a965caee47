//! The network that every scenario plays in: two hosts behind NAT routers, and servers.

use crate::error::LabError;
use crate::fault::Fault;
use crate::host::Host;
use crate::moment::Deed;
use crate::plan::Plan;

/// Two hosts, `a` with two uplinks and `b` with one, behind NAT routers, and the servers that they need.
///
/// It must be built inside an [`enclosure`](crate::enclosure), with which it ends.
/// The lab is the network manager of the hosts: it moves routes as part of the fault that calls for it, and watches nothing.
#[derive(Debug)]
pub struct World {
    a: Host,
    b: Host,
    signaling: Host,
    turn: Option<Host>,
}

impl World {
    /// Builds a world, and measures that its links really do to frames what they are told.
    pub fn build(plan: &Plan) -> Result<Self, LabError> {
        Err(LabError::Unsupported(format!("there is no world yet for {plan:?}")))
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
        self.turn.as_ref()
    }

    /// Returns the STUN and TURN server as `--ice-server` wants it, if the plan has one.
    ///
    /// `turn:user:password@host:port`.
    pub fn ice_server(&self) -> Option<String> {
        None
    }

    /// Begins a fault.
    pub fn inject(&mut self, fault: &Fault) -> Result<Deed, LabError> {
        Err(LabError::Senseless(format!("{fault:?} is unknown")))
    }

    /// Ends a fault that was injected.
    pub fn heal(&mut self, fault: &Fault) -> Result<Deed, LabError> {
        Err(LabError::Senseless(format!("{fault:?} is unknown")))
    }
}
