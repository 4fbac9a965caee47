//! The question of patience: how long may a wait last?

use std::fmt::Debug;
use std::time::Duration;

use crate::fault::{Link, Phase};
use crate::ice::Role;
use crate::platform::Platform;
use crate::rtt::Rtt;

/// Limits every wait.
pub trait TimeoutPolicy: Debug + Send + Sync {
    /// Returns how long `wait` may last before it counts as [`Fault::TimedOut`](crate::Fault::TimedOut).
    fn limit(&self, wait: &TimeoutContext) -> Duration;
}

/// What a [`TimeoutPolicy`] may look at.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TimeoutContext {
    /// What is waited for.
    pub phase: Phase,
    /// Our part in the negotiation; `None` on the signaling link.
    pub role: Option<Role>,
    /// The kind of link.
    pub link: Link,
    /// Whose timeouts apply.
    pub platform: Platform,
    /// Tries so far in this outage, 0 for the first.
    pub attempt: u32,
    /// The path's round-trip time, if measured.
    pub rtt: Option<Rtt>,
}

impl TimeoutContext {
    /// Creates the context of a first wait; set the other fields as needed.
    pub fn new(link: Link, phase: Phase, platform: Platform) -> Self {
        Self { phase, role: None, link, platform, attempt: 0, rtt: None }
    }
}
