//! The command line from outside: real processes, real sockets, real WebRTC.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod demo;
mod durable;
mod endpoint;
mod events;
mod join;
mod process;
mod serve;
#[cfg(unix)]
mod service_manager;
mod session;
mod tls;
mod trouble;
mod usage;
