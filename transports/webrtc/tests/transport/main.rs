//! The transport on this host's interfaces, and in network namespaces of its own.

// The helpers of tests are tests too.
#![allow(clippy::expect_used, clippy::panic)]

mod candidates;
mod closing;
mod losing;
mod namespace;
mod negotiating;
mod opening;
mod pair;
mod reflection;
mod restart;
mod sending;
mod servers;
mod trouble;
