//! rejoin-recovery chooses repairs: one file per strategy, each a plain value that reads the incident so far.

mod hedged;
mod ladder;
mod prospects;
mod rebuild;

pub use hedged::{First, Hedged};
pub use ladder::{Ladder, LadderOptions};
pub use rebuild::{Patience, Rebuild};
