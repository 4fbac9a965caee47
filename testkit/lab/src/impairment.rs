//! Impairments of an emulated link.

use std::time::Duration;

/// The impairment of an emulated link, in each direction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Impairment {
    /// The delay of every frame, in addition to the delay of the topology.
    pub delay: Duration,
    /// The standard deviation of the waiting time; order is kept.
    pub jitter: Duration,
    /// Which frames are lost.
    pub loss: Loss,
    /// The share of frames, from 0 to 1, that are overtaken by those behind them.
    pub reorder: f64,
    /// Bits that may pass per second; unlimited if none.
    pub rate: Option<u64>,
}

/// Which frames are lost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Loss {
    /// None.
    #[default]
    None,
    /// Each with the same probability, from 0 to 1.
    Random(f64),
    /// Many in a row (Gilbert's model: a good state without loss and a bad one in which everything is lost).
    Bursty {
        /// The share of frames lost in the long run, from 0 to 1.
        share: f64,
        /// How many are lost in a row on average; at least 1.
        burst: f64,
    },
}
