//! Conversations with the state machine of the hosted dialect: text in, text out, no socket.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers panic on failure")]

mod forward;
mod recorded;
mod resume;
mod rooms;
mod script;
mod streams;
