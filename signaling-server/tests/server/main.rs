//! The server over real sockets on this machine.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail loudly")]

mod client;
mod conversations;
mod endings;
mod http;
mod limits;
mod resume;
mod self_host;
mod tls;
