//! rejoin-demo runs a signaling server and two peers as processes, injects faults and reports how the peers recover.
//!
//! [`run`] is the demonstration behind `rejoin demo`.
//! [`harness`] is what it shares with `testkit/lab`: processes, their event stream and the audit of their messages.

pub mod harness;

mod demonstration;
mod fault;
mod incident_tracker;
mod observer;
mod options;
mod processes;
mod progress;
mod report;
mod runner;

pub use demonstration::run;
pub use fault::{FaultKind, PeerCommand};
pub use options::{Options, ReportFormat};
pub use report::Summary;
