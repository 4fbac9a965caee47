//! The question of worth: how well does a live link work?

use std::fmt::Debug;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::stats::Sample;

/// Grades how well a live link works.
pub trait QualityPolicy: Debug + Send + Sync {
    /// Returns the grade of a link from its recent samples.
    fn grade(&self, history: &QualityContext<'_>) -> Quality;

    /// Returns how often the link is to be measured, or `None` if never.
    fn interval(&self) -> Option<Duration>;
}

/// How well a live link works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Nothing to complain about.
    #[default]
    Good,
    /// Worse than usual.
    Fair,
    /// So bad that a repair that can pay is worth it.
    Poor,
}

/// What a [`QualityPolicy`] may look at.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct QualityContext<'a> {
    /// Recent samples, oldest first.
    pub samples: &'a [Sample],
    /// The grade so far.
    pub previous: Quality,
    /// For how long the link has had it.
    pub since: Duration,
}

impl<'a> QualityContext<'a> {
    /// Creates a context.
    pub fn new(samples: &'a [Sample], previous: Quality, since: Duration) -> Self {
        Self { samples, previous, since }
    }
}
