//! rejoin-config reads the configuration of a session: profiles, the layers above them, and the registry of policies.
//!
//! ```
//! use rejoin_config::{Loader, Registry};
//!
//! # fn main() -> Result<(), rejoin_config::ConfigError> {
//! let configuration =
//!     Loader::new(Registry::builtin()).profile("aggressive").set("backoff.exponential.base=1s").load()?;
//! # assert_eq!(configuration.profile, "aggressive");
//! # Ok(())
//! # }
//! ```
//!
//! Later layers win: policy defaults, a profile's page, the user's file, `REJOIN_*` variables, `--set key=value`.
//! An application adds its own policy in one line:
//!
//! ```
//! use std::time::Duration;
//!
//! use rejoin_config::{Loader, Registry};
//! use rejoin_core::{BackoffPolicy, policy::BackoffContext};
//! use serde::Deserialize;
//!
//! #[derive(Debug, Default, Deserialize)]
//! #[serde(default, deny_unknown_fields)]
//! struct Linear {
//!     seconds: u64,
//! }
//!
//! impl BackoffPolicy for Linear {
//!     fn delay(&self, context: &BackoffContext<'_>) -> Option<Duration> {
//!         Some(Duration::from_secs(self.seconds.saturating_mul(context.attempt.into())))
//!     }
//! }
//!
//! # fn main() -> Result<(), rejoin_config::ConfigError> {
//! let registry = Registry::builtin().backoff::<Linear>("linear");
//! let configuration =
//!     Loader::new(registry).set("backoff.use=linear").set("backoff.linear.seconds=3").load()?;
//! # assert_eq!(format!("{:?}", configuration.policies.backoff), "Linear { seconds: 3 }");
//! # Ok(())
//! # }
//! ```

mod builtin;
mod choice;
mod configuration;
mod error;
mod layer;
mod loader;
mod merged;
mod origin;
mod outbox;
mod profile;
mod registry;
mod renamed_keys;
mod schema;
mod spare;

pub use configuration::Configuration;
pub use error::ConfigError;
pub use loader::Loader;
pub use origin::Setting;
pub use outbox::Outbox;
pub use profile::{PROFILES, Profile, profile};
pub use registry::{PolicyEntry, Registry};
pub use spare::Spare;
