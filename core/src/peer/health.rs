//! Whether a link was ever up, since when, and whether its path is suspect.

use std::time::Instant;

/// The health of a link.
#[derive(Debug)]
pub(crate) struct LinkHealth {
    pub(crate) ever_up: bool,
    /// When the last repair was verified, or the link was created.
    pub(crate) up_since: Instant,
    /// Whether sending is paused because the health probe doubts the path.
    pub(crate) suspect: bool,
}

impl LinkHealth {
    /// Creates the health of a link that has not been up yet.
    pub(crate) fn new(now: Instant) -> Self {
        Self { ever_up: false, up_since: now, suspect: false }
    }
}
