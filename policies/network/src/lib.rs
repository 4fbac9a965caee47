//! rejoin-network watches the host's interfaces and routes: one file per monitor.
//!
//! Monitors are ports, not policies: they tell what they see and decide nothing.
//! A monitor is deserialised from its options and opens nothing before it is first asked for a snapshot.
//! All but `fixed` must be asked inside a tokio runtime with I/O and time.

mod fixed;
mod netlink;
mod polling;
mod portable;
mod sight;
mod watch;
mod window;

pub use fixed::Fixed;
pub use netlink::Netlink;
pub use polling::Polling;
pub use portable::Portable;
