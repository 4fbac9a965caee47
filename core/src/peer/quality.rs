//! How well a peer link works, and whether a repair of a link that works badly can pay.

use std::time::{Duration, Instant};

use crate::fault::{Fault, Link};
use crate::output::{Event, LinkName};
use crate::policy::QualityContext;
use crate::policy::{BackoffContext, Quality, QualityPolicy};
use crate::stats::Sample;
use crate::supervisor::context::Context;

/// Samples kept for the quality policy.
const KEPT_SAMPLES: usize = 32;

/// A path may have changed for the better within an hour, and a repair an hour burdens nobody.
const LONGEST_REST: Duration = Duration::from_secs(3600);

/// A link that turns poor sooner than this after a repair has not been repaired: the next rest is longer.
const GOOD_FOR_LONG: Duration = Duration::from_secs(300);

/// The readings of a link and its grade.
#[derive(Debug)]
pub(crate) struct QualityTracker {
    samples: Vec<Sample>,
    quality: Quality,
    since: Instant,
    /// Repairs for poor quality since the link was last good for long.
    repairs: u32,
    /// The next such repair may not come sooner: one that did not help must not be repeated at every reading.
    not_before: Option<Instant>,
}

impl QualityTracker {
    pub(crate) fn new(now: Instant) -> Self {
        Self { samples: Vec::new(), quality: Quality::Good, since: now, repairs: 0, not_before: None }
    }

    pub(crate) fn quality(&self) -> Quality {
        self.quality
    }

    /// Forgets the readings and the grade of a path that was replaced or has healed: it is good until new ones arrive.
    pub(crate) fn reset(&mut self, link: LinkName, context: &mut Context) {
        self.samples.clear();
        if let Some(quality) = self.regrade(Quality::Good, context.now) {
            context.event(Event::QualityChanged { link, quality });
        }
    }

    /// Grades the link by a new sample; returns whether it is poor and a repair is due, which paces the next one.
    pub(crate) fn on_stats(&mut self, sample: Sample, link: LinkName, context: &mut Context) -> bool {
        if let Some(quality) = self.record(sample, &*context.policies.quality, context.now) {
            context.event(Event::QualityChanged { link, quality });
        }
        let due = self.not_before.is_none_or(|at| at <= context.now);
        if self.quality != Quality::Poor || !due || !context.other_path_exists() {
            return false;
        }
        let pause = context.pause(BackoffContext::new(Link::Peer, self.repairs, &Fault::QualityPoor));
        let rest = self.rest(pause.unwrap_or_else(|| context.sleep(Link::Peer)));
        self.repairs = self.repairs.saturating_add(1);
        self.not_before = Some(context.now + rest);
        true
    }

    /// Records a sample and returns the grade if it changed.
    fn record(&mut self, sample: Sample, policy: &dyn QualityPolicy, now: Instant) -> Option<Quality> {
        if self.samples.len() == KEPT_SAMPLES {
            self.samples.remove(0);
        }
        self.samples.push(sample);
        let since = now.saturating_duration_since(self.since);
        let grade = policy.grade(&QualityContext::new(&self.samples, self.quality, since));
        if grade == Quality::Good && self.quality == Quality::Good && since >= GOOD_FOR_LONG {
            self.repairs = 0;
        }
        self.regrade(grade, now)
    }

    /// Sets the grade and returns it if it changed.
    fn regrade(&mut self, grade: Quality, now: Instant) -> Option<Quality> {
        let changed = grade != self.quality;
        if changed {
            self.quality = grade;
            self.since = now;
        }
        changed.then_some(grade)
    }

    /// Returns the rest after the next repair: the backoff policy's pause, doubled for every repair in vain.
    ///
    /// That pause is how soon a dead link is tried again; a poor one works, and each repair of it costs its users.
    fn rest(&self, pause: Duration) -> Duration {
        let doubled = 1_u32.checked_shl(self.repairs).unwrap_or(u32::MAX);
        pause.saturating_mul(doubled).min(LONGEST_REST)
    }

    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.samples.len()
    }
}
