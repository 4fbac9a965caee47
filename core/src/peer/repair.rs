//! The repair of a link: the open outage and what paces its steps.

use std::time::{Duration, Instant};

use crate::fault::Fault;
use crate::peer::outage::Outage;

/// The state of a link's repair.
#[derive(Debug)]
pub(crate) struct Repair {
    /// The open outage; `None` while the link is up.
    pub(crate) outage: Option<Outage>,
    /// Rebuilds tried in this outage.
    pub(crate) rebuilds: u32,
    /// The pause before the last repeated rebuild.
    pub(crate) previous_delay: Option<Duration>,
    /// When the link healed while an offer that we had asked for was on its way.
    pub(crate) asked_in_vain: Option<Instant>,
}

impl Repair {
    /// Creates the repair of a new link, whose first connection counts as an outage.
    pub(crate) fn new(now: Instant) -> Self {
        let outage = Some(Outage::new(Fault::NotConnected, Duration::ZERO, now));
        Self { outage, rebuilds: 0, previous_delay: None, asked_in_vain: None }
    }
}
