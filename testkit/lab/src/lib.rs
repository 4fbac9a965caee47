//! rejoin-lab makes small networks that can be cut, in Linux namespaces, and breaks them on demand.
//!
//! A lab lives inside an [`enclosure`]: private network, process and mount namespaces that vanish with their first process.
//! Inside, [`World::build`] makes hosts, NAT routers and emulated links, [`Host::command`] runs real programs on them, and
//! [`World::inject`] and [`World::heal`] break and mend what lies between.

mod address;
pub mod case;
pub mod cast;
pub mod certificate;
pub mod chronicle;
pub mod cli;
mod emulator;
pub mod enclosure;
pub mod error;
pub mod fault;
pub mod fleet;
pub mod foreign;
pub mod host;
pub mod impairment;
pub mod incident;
pub mod ledger;
mod link;
pub mod measure;
pub mod moment;
mod namespace;
pub mod plan;
pub mod play;
pub mod probe;
pub mod program;
mod relay;
pub mod report;
mod resolver;
mod router;
pub mod row;
pub mod scenario;
mod self_check;
pub mod soak;
pub mod stopwatch;
pub mod suite;
mod tool;
mod uplink;
pub mod world;

pub use crate::emulator::Carried;
pub use crate::error::LabError;
pub use crate::fault::{Block, DnsFailure, Fault, OldAddress, Side, Traffic, Verdict, Way};
pub use crate::host::Host;
pub use crate::impairment::{Impairment, Loss};
pub use crate::moment::{Deed, Flushed, Moment};
pub use crate::plan::{Family, Line, Nat, Plan};
pub use crate::world::World;
