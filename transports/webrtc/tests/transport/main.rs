//! The transport on this host's interfaces, and in network namespaces of its own.

// The helpers of tests are tests too.
#![allow(clippy::expect_used, clippy::panic)]

mod candidates;
mod closing;
mod faults;
mod namespace;
mod negotiating;
mod opening;
mod packet_loss;
mod pair;
mod restart;
mod sending;
mod servers;
mod stun_retry;
