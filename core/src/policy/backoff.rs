//! The question of pace: how long before the next try?

use std::fmt::Debug;
use std::time::Duration;

use crate::fault::{Fault, Link};

/// Paces retries.
pub trait BackoffPolicy: Debug + Send + Sync {
    /// Returns the delay before this retry, or `None` to stop: the link then sleeps until something changes.
    fn delay(&self, retry: &BackoffContext<'_>) -> Option<Duration>;
}

/// What a [`BackoffPolicy`] may look at.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct BackoffContext<'a> {
    /// Which kind of link retries.
    pub link: Link,
    /// Tries since the last proven health, 0 for the first.
    pub attempt: u32,
    /// Time since the outage began.
    pub elapsed: Duration,
    /// The delay before the last try.
    pub previous: Option<Duration>,
    /// How long the link had been up before it broke.
    pub up_for: Option<Duration>,
    /// What the server asked for; core obeys it whatever the policy says.
    pub retry_after: Option<Duration>,
    /// What broke.
    pub fault: &'a Fault,
    /// A fresh random number in `[0, 1)`.
    pub jitter: f64,
}

impl<'a> BackoffContext<'a> {
    /// Creates the context of a first retry; set the other fields as needed.
    pub fn new(link: Link, attempt: u32, fault: &'a Fault) -> Self {
        Self {
            link,
            attempt,
            elapsed: Duration::ZERO,
            previous: None,
            up_for: None,
            retry_after: None,
            fault,
            jitter: 0.0,
        }
    }
}
