//! rejoin-quality grades how well live links work: one file per policy.

mod off;

pub use off::Off;
