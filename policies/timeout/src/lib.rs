//! rejoin-timeout limits every wait: one file per policy, each a plain value that computes a limit from its context.

mod fixed;

pub use fixed::{Fixed, Overrides};
