//! Replays every recorded conversation: reads each frame, writes it again, and compares.

#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests fail tests")]

mod hosted;
mod recording;
mod rewritten;
mod self_host;
mod web;
