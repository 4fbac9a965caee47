//! The command line from outside: real processes, real sockets, real WebRTC.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod demo;
mod join;
mod process;
mod serve;
mod trouble;
mod usage;
