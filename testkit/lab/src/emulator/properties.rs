//! The properties of an emulated link, and its counters.

use std::time::Duration;

use crate::impairment::Impairment;

/// The properties of one direction of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Properties {
    /// The delay of every frame.
    pub(crate) delay: Duration,
    /// The impairment.
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

/// The counters of one direction of a link.
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
    /// Frames that the kernel refused, for example because the cable was unplugged meanwhile.
    pub refused: u64,
    /// The longest time by which a frame was late; if this is long, the machine was too busy for the lab.
    pub lateness: Duration,
}
