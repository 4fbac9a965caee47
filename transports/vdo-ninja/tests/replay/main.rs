//! Replays every recorded conversation: decodes each frame, encodes it again, and compares.

#![allow(clippy::unwrap_used, clippy::panic, reason = "test helpers panic on failure")]

mod hosted;
mod recording;
mod rewritten;
mod self_host;
mod web;
