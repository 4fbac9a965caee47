//! rejoin-backoff paces retries: one file per policy, each a plain value that computes a delay from its context.

mod constant;
mod decorrelated_jitter;
mod exponential;
mod jitter;

pub use constant::{Constant, ConstantOptions};
pub use decorrelated_jitter::{DecorrelatedJitter, DecorrelatedJitterOptions};
pub use exponential::{Exponential, ExponentialOptions};
pub use jitter::{Jitter, JitterError};
