//! Conversations with the pure switchboard: text in, text out, no socket.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail loudly")]

mod recorded;
mod relay;
mod resume;
mod rooms;
mod stage;
mod streams;
