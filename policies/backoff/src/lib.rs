//! rejoin-backoff decides how long to wait before the next attempt: one file per policy, each a plain value that
//! computes a delay from its context.
//!
//! ```
//! use rejoin_backoff::Exponential;
//! use rejoin_core::policy::BackoffContext;
//! use rejoin_core::{BackoffPolicy, Fault, Link};
//!
//! let policy = Exponential::default();
//! let context = BackoffContext::new(Link::Signaling, 3, &Fault::SignalingSilent);
//! assert_eq!(policy.delay(&context).map(|delay| delay.as_secs()), Some(4));
//! ```

mod constant;
mod decorrelated_jitter;
mod exponential;
mod jitter;

pub use constant::{Constant, ConstantOptions};
pub use decorrelated_jitter::{DecorrelatedJitter, DecorrelatedJitterOptions};
pub use exponential::{Exponential, ExponentialOptions};
pub use jitter::{Jitter, JitterError};
