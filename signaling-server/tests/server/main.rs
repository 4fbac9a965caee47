//! The server over loopback sockets.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers panic on failure")]

mod client;
mod conversations;
mod endings;
mod http;
mod limits;
mod resume;
mod self_host;
mod tls;
