//! Conversations with the pure switchboard: text in, text out, no socket.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail loudly")]

mod forward;
mod recorded;
mod resume;
mod rooms;
mod script;
mod streams;
