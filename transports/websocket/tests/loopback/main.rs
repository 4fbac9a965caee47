//! The transport against servers on the loopback interface.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]
#![allow(clippy::result_large_err, reason = "tungstenite's callback returns it")]

mod closing;
mod flow;
mod open;
mod refused;
mod server;
mod tls;
mod wire;
