//! What an emulated link is told to do, and what it did.

use std::time::Duration;

use crate::impairment::Impairment;

/// What one direction of a link is told to do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Traits {
    /// What every frame waits.
    pub(crate) delay: Duration,
    /// What is done besides.
    pub(crate) impairment: Impairment,
    /// Whether frames pass at all.
    pub(crate) passage: Passage,
}

/// Whether frames pass at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Passage {
    #[default]
    Open,
    Cut,
}

/// What one direction of a link has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Frames that came in.
    pub arrived: u64,
    /// Frames that went out.
    pub delivered: u64,
    /// Frames that were lost on purpose.
    pub lost: u64,
    /// Frames that found the queue of a throttled link full.
    pub overflowed: u64,
    /// Frames that the kernel would not take, for example because the cable was pulled meanwhile.
    pub refused: u64,
    /// By how much the latest frame was late; if this is long, the machine was too busy for its lab.
    pub lateness: Duration,
}
