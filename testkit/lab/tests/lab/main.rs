//! Each fault, shown to do what it says by small probes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests fail loudly")]

mod block;
mod delay;
mod ends;
mod nat;
mod programs;
mod resolve;
mod skips;
mod stage;
mod turn;
mod uplinks;
