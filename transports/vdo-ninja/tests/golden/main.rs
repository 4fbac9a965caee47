//! Frames that are in no recording, composed from the protocol notes: their meaning, and our encoding of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers panic on failure")]

mod channel;
mod refusals;
mod server;
mod vocabulary;
