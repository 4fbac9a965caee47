//! Frames that no recording holds, composed from the protocol notes: what they mean, and that we write them so.

#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests fail tests")]

mod channel;
mod refusals;
mod server;
mod vocabulary;
