//! rejoin-timeout limits how long an operation may take: one file per policy, each a plain value that computes a limit
//! from its context.
//!
//! ```
//! use rejoin_core::policy::TimeoutContext;
//! use rejoin_core::{Link, Phase, Platform, TimeoutPolicy};
//! use rejoin_timeout::Fixed;
//!
//! let context = TimeoutContext::new(Link::Peer, Phase::IceChecking, Platform::Linux);
//! assert_eq!(Fixed::default().limit(&context).as_secs(), 10);
//! ```

mod fixed;

pub use fixed::{Fixed, Overrides};
