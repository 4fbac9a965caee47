//! The time of an event, on the clocks of this machine.

use std::io;
use std::time::{Duration, SystemTime};

use nix::time::{ClockId, clock_gettime};

use crate::error::LabError;

/// A time on the clocks that every process of this machine shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// `CLOCK_MONOTONIC`.
    pub monotonic: Duration,
    /// `CLOCK_BOOTTIME`, which counts sleep.
    pub boot: Duration,
    /// The time of day.
    pub wall: SystemTime,
}

impl Timestamp {
    /// Reads the clocks.
    pub fn now() -> Result<Self, LabError> {
        let read = |clock| -> Result<Duration, LabError> {
            let time = clock_gettime(clock)
                .map_err(|errno| LabError::system("clock_gettime", io::Error::from(errno)))?;
            Ok(Duration::from(time))
        };
        Ok(Self {
            monotonic: read(ClockId::CLOCK_MONOTONIC)?,
            boot: read(ClockId::CLOCK_BOOTTIME)?,
            wall: SystemTime::now(),
        })
    }
}

/// When a fault was injected or healed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultTiming {
    /// Before the first change; count latencies from here.
    pub began: Timestamp,
    /// After the last change took effect.
    pub done: Timestamp,
    /// The translations that a NAT rebinding dropped.
    pub flushed: Option<Flushed>,
}

/// How many translations a router dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flushed {
    /// Of UDP flows.
    pub udp: u32,
    /// Of TCP connections.
    pub tcp: u32,
}
