//! From a change in the kernel to the start of a repair: the monitor, the driver and the machine, in namespaces.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests fail loudly")]

mod fake_peers;
#[path = "../namespace/inside.rs"]
mod inside;
mod kernel_events;
mod log;
mod storm;
mod toggles;
mod uplinks;

/// What is measured here is measured alone.
static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
