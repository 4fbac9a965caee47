//! rejoin-quality grades live links: one file per policy, each a plain value that reads a context.
//!
//! ```
//! use std::time::Duration;
//!
//! use rejoin_core::QualityPolicy;
//! use rejoin_core::policy::Quality;
//! use rejoin_core::policy::QualityContext;
//! use rejoin_quality::Thresholds;
//!
//! let context = QualityContext::new(&[], Quality::Good, Duration::ZERO);
//! assert_eq!(Thresholds::default().grade(&context), Quality::Good);
//! ```

mod ewma;
mod off;
mod thresholds;
mod window;

pub use ewma::{Ewma, EwmaOptions};
pub use off::Off;
pub use thresholds::{Thresholds, ThresholdsOptions};
