//! Proves with small probes that each fault has its effect.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests fail loudly")]

mod block;
mod delay;
mod ends;
mod fixture;
mod nat;
mod programs;
mod resolve;
mod skips;
mod turn;
mod uplinks;
