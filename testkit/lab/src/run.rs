//! One run of a scenario, with everything that varies, and how its world and processes are set up.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rejoin_demo::harness::{DeliveryGuarantee, Role};

use crate::certificate::Certificate;
use crate::fault::Side;
use crate::foreign_peer::{self, ForeignPeer, Stack};
use crate::processes::{CommandFactory, ProcessHost, ProcessOptions};
use crate::scenario::action::Action;
use crate::scenario::{IceServers, Scenario, ServerAddressing};
use crate::topology::{Family, Nat, Topology};
use crate::world::World;

/// One run of a scenario.
#[derive(Clone, Debug)]
pub struct Run {
    /// The scenario.
    pub scenario: Scenario,
    /// The profile of both peers.
    pub profile: String,
    /// The role on the host that the faults target.
    pub role: Role,
    /// The stack of the other peer, if it is not rejoin.
    pub peer_stack: Option<Stack>,
    /// The address family of the world.
    pub family: Family,
    /// The round-trip time between any two hosts.
    pub rtt: Duration,
    /// Seeds the world.
    pub seed: u64,
    /// The binary.
    pub rejoin: PathBuf,
    /// The directory for everything that helps to investigate a failure.
    pub scratch: PathBuf,
}

/// The name of the signaling server in the lab's DNS.
const SERVER_NAME: &str = "signaling.lab";

impl Run {
    /// Returns the topology of the world.
    pub(crate) fn topology(&self) -> Topology {
        let nat = match self.family {
            Family::V4 => self.scenario.setting.nat,
            Family::V6 => Nat::Routed,
        };
        let turn = self.scenario.setting.ice_servers != IceServers::None;
        Topology { seed: self.seed, rtt: self.rtt, nat, family: self.family, turn }
    }

    /// Returns the peers whose events can prove that a fault was detected: those of rejoin.
    pub(crate) fn rejoin_roles(&self) -> Vec<Role> {
        let is_rejoin = |role: &Role| self.peer_stack.is_none() || *role == self.role;
        Role::BOTH.into_iter().filter(is_rejoin).collect()
    }

    /// A process that is killed needs its messages on disk; no other process does.
    fn guarantee(&self) -> DeliveryGuarantee {
        match self.peer_stack {
            Some(_) => DeliveryGuarantee::BestEffort,
            None if self.scenario.actions.contains(&Action::KillPeer) => DeliveryGuarantee::Durable,
            None => DeliveryGuarantee::WhileAlive,
        }
    }

    /// Writes the certificate of the server and returns how the processes are started.
    ///
    /// # Errors
    /// If the certificate cannot be written.
    pub(crate) fn process_options(&self, world: &World) -> Result<ProcessOptions> {
        let address = *world.signaling().addresses().first().context("the server has no address")?;
        let listen = match address {
            IpAddr::V4(address) => format!("{address}:8443"),
            IpAddr::V6(address) => format!("[{address}]:8443"),
        };
        let certificate = Certificate::write(&self.scratch, address, SERVER_NAME)?;
        let url = match self.scenario.setting.server {
            ServerAddressing::Address => format!("wss://{listen}"),
            ServerAddressing::Name => format!("wss://{SERVER_NAME}:8443"),
        };
        let ice_servers = self.ice_servers(world);
        let foreign = self.peer_stack.map(|stack| ForeignPeer {
            stack,
            role: self.role.other(),
            url: url.clone(),
            ice_servers: ice_servers.iter().map(|server| foreign_peer::ice_server(server)).collect(),
            authority: certificate.authority.clone(),
        });
        let mut peer_arguments = vec!["--server".to_owned(), url];
        peer_arguments.extend(["--ca-file".to_owned(), certificate.authority.display().to_string()]);
        for server in ice_servers {
            peer_arguments.extend(["--ice-server".to_owned(), server]);
        }
        peer_arguments.extend(self.scenario.setting.arguments.iter().map(|argument| (*argument).to_owned()));
        let server_arguments = vec![
            "--tls-cert".to_owned(),
            certificate.certificate.display().to_string(),
            "--tls-key".to_owned(),
            certificate.key.display().to_string(),
        ];
        Ok(ProcessOptions {
            rejoin: self.rejoin.clone(),
            scratch: self.scratch.clone(),
            profile: self.profile.clone(),
            message_interval: message_interval(&self.profile),
            listen,
            server_arguments,
            peer_arguments,
            foreign,
            guarantee: self.guarantee(),
        })
    }

    /// The engine uses a TURN server only as a relay, so the STUN server on the same port is named too.
    fn ice_servers(&self, world: &World) -> Vec<String> {
        let Some(turn) = world.ice_server() else { return Vec::new() };
        let stun = turn.rsplit_once('@').map(|(_, address)| format!("stun:{address}"));
        match self.scenario.setting.ice_servers {
            IceServers::None => Vec::new(),
            IceServers::Stun => stun.into_iter().collect(),
            IceServers::Turn => stun.into_iter().chain([turn]).collect(),
        }
    }

    /// Returns what makes commands for the hosts of the world.
    pub(crate) fn command_factory(&self, world: &World) -> CommandFactory {
        let (a, b, server) = (world.a().clone(), world.b().clone(), world.signaling().clone());
        let (target, role) = (self.scenario.target, self.role);
        Box::new(move |host, program| -> Command {
            let is_on_a = |peer: Role| (peer == role) == (target == Side::A);
            match host {
                ProcessHost::Server => server.command(program),
                ProcessHost::Peer(peer) if is_on_a(peer) => a.command(program),
                ProcessHost::Peer(_) => b.command(program),
            }
        })
    }
}

/// How often both peers send: often enough to see an outage of a tenth of a second.
///
/// `conservative` holds 1,024 messages for a peer that is away: those of three minutes at this interval.
fn message_interval(profile: &str) -> Duration {
    Duration::from_millis(if profile == "conservative" { 200 } else { 50 })
}
