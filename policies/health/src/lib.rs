//! rejoin-health decides whether a link is alive: one file per policy, each a plain value that reads a context.
//!
//! ```
//! use std::time::{Duration, Instant};
//!
//! use rejoin_core::policy::HealthContext;
//! use rejoin_core::{HealthProbe, Link, Platform};
//! use rejoin_health::Ping;
//!
//! let up_since = Instant::now();
//! let now = up_since + Duration::from_secs(3);
//! let context = HealthContext::new(Link::Peer, Platform::Linux, up_since, now);
//! assert!(Ping::default().examine(&context).probe);
//! ```

mod interval;
mod misses;
mod ping;
mod silence;

pub use ping::Ping;
pub use silence::Silence;
