//! rejoin-recovery chooses repairs: one file per strategy, each a plain value that reads the incident so far.

mod ladder;
mod prospects;
mod rebuild;

pub use ladder::{Ladder, LadderOptions};
pub use rebuild::{Patience, Rebuild};
