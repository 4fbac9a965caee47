//! The transport on this host's interfaces, and in network namespaces of its own.

mod closing;
mod namespace;
mod opening;
mod pair;
mod restart;
mod sending;
mod trouble;
