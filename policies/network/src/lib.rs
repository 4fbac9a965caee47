//! rejoin-network watches the host's interfaces and routes: one file per monitor.
//!
//! ```
//! use rejoin_core::NetworkMonitor;
//! use rejoin_network::Netlink;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let mut monitor = Netlink::default();
//! let snapshot = monitor.next_snapshot().await;
//! println!("{} interfaces, usable: {}", snapshot.interfaces.len(), snapshot.is_usable());
//! # }
//! ```
//!
//! A monitor is a port, not a policy: it reports snapshots and decides nothing.
//! It is deserialised from its options and opens nothing before the first call of `next_snapshot`.
//! All but `fixed` need a tokio runtime with I/O and time.

mod debounce;
mod fixed;
mod interval;
mod netlink;
mod observation;
mod polling;
mod portable;
mod watch;

pub use fixed::Fixed;
pub use netlink::Netlink;
pub use polling::Polling;
pub use portable::Portable;
