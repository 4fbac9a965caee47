//! rejoin-quality grades how well live links work: one file per policy.

mod ewma;
mod off;
mod thresholds;
mod window;

pub use ewma::{Ewma, EwmaOptions};
pub use off::Off;
pub use thresholds::{Thresholds, ThresholdsOptions};
