//! The grades that policies give to paths of all kinds.

#![allow(clippy::unwrap_used, reason = "a test")]

mod ewma;
mod path;
mod strange;
mod thresholds;
