//! rejoin-network watches the host's interfaces and routes: one file per monitor.
//!
//! Monitors are ports, not policies: they tell what they see and decide nothing.
//! A monitor is deserialised from its options and opens nothing before it is first asked for a snapshot.

mod fixed;

pub use fixed::Fixed;
