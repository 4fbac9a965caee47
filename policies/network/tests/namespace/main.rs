//! The monitors in network namespaces of their own, whose links, addresses and routes really change.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests fail loudly")]

mod changes;
mod inside;
mod network;
mod observer;
mod portable;
mod toggles;
