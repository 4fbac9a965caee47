//! rejoin-lab builds small networks in Linux namespaces, runs the real binary on their hosts, and injects faults.
//!
//! A lab lives inside a [`sandbox`]: private network, process and mount namespaces that vanish with their first process.
//! Inside, [`World::build`] makes hosts, NAT routers and emulated links, [`Host::command`] runs programs on the hosts, and
//! [`World::inject`] and [`World::heal`] begin and end faults of the network between them.

mod address;
pub mod case;
pub mod certificate;
pub mod cli;
pub mod clock;
mod emulator;
pub mod error;
pub mod fault;
pub mod foreign_peer;
pub mod host;
pub mod impairment;
mod link;
pub mod measure;
mod namespace;
pub mod parallel;
pub mod phase_group;
pub mod probe;
pub mod processes;
mod relay;
pub mod report;
mod resolver;
pub mod resources;
pub mod result;
mod router;
pub mod run;
pub mod run_log;
pub mod runner;
pub mod sandbox;
pub mod scenario;
mod self_check;
pub mod soak;
pub mod stopwatch;
pub mod suite;
mod tool;
pub mod topology;
mod uplink;
pub mod world;

pub use crate::clock::{FaultTiming, Flushed, Timestamp};
pub use crate::emulator::Carried;
pub use crate::error::LabError;
pub use crate::fault::{Block, DnsFailure, Fault, OldAddress, Side, Traffic, Verdict, Way};
pub use crate::host::Host;
pub use crate::impairment::{Impairment, Loss};
pub use crate::topology::{Family, LinkId, Nat, Topology};
pub use crate::world::World;
