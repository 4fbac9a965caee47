//! Each fault, shown to do what it says by small probes.

mod block;
mod delay;
mod ends;
mod nat;
mod programs;
mod resolve;
mod stage;
mod turn;
mod uplinks;
