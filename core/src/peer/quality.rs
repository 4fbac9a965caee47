//! How well a peer link works, and whether a repair of a link that works badly can pay.

use std::time::{Duration, Instant};

use crate::fault::{Fault, Link};
use crate::id::Generation;
use crate::output::Event;
use crate::peer::link::PeerLink;
use crate::policy::{BackoffContext, Quality, QualityPolicy};
use crate::port::PeerAction;
use crate::stats::{QualityContext, Sample};
use crate::supervisor::Timer;
use crate::supervisor::context::{Context, SHORTEST_WAIT};

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

    /// Notes a reading and returns the grade if it changed.
    fn note(&mut self, sample: Sample, policy: &dyn QualityPolicy, now: Instant) -> Option<Quality> {
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

    /// Notes a grade and returns it if it changed.
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

impl PeerLink {
    /// Forgets the readings and the grade of a path that was replaced or has healed: it is good until new ones tell.
    pub(crate) fn grade_anew(&mut self, context: &mut Context) {
        self.quality.samples.clear();
        if let Some(quality) = self.quality.regrade(Quality::Good, context.now) {
            context.event(Event::QualityChanged { link: self.remote.name(), quality });
        }
    }

    /// Asks for a reading, if the quality policy wants any.
    pub(crate) fn read_stats(&mut self, context: &mut Context) {
        let Some(interval) = context.policies.quality.interval().filter(|_| self.repair.outage.is_none())
        else {
            return;
        };
        if let Some(active) = &self.connections.active {
            context.peer(active.generation, PeerAction::ReadStats);
        }
        context.timers.set(Timer::Stats(self.remote.key.clone()), context.now, interval.max(SHORTEST_WAIT));
    }

    /// Notes a reading, grades the link, and repairs it if it is poor and a repair can pay.
    pub(crate) fn measured(&mut self, generation: Generation, sample: Sample, context: &mut Context) {
        let Some(connection) = self.connections.by_generation_mut(generation) else { return };
        connection.liveness.outstanding = Some((sample.bytes_outstanding, context.now));
        connection.local = sample.local;
        connection.liveness.consent.read(sample.responses_received, context.now);
        let graded = connection.liveness.consent_readings == 0;
        connection.liveness.consent_readings = connection.liveness.consent_readings.saturating_sub(1);
        let (probes_sent, probes_answered) = connection.liveness.probes.counts();
        self.proof_without_pong(generation, context);
        if !graded || self.connections.is_candidate(generation) || self.repair.outage.is_some() {
            return;
        }
        self.make_spare(context);
        let sample = Sample { probes_sent, probes_answered, ..sample };
        if let Some(quality) = self.quality.note(sample, &*context.policies.quality, context.now) {
            context.event(Event::QualityChanged { link: self.remote.name(), quality });
        }
        let due = self.quality.not_before.is_none_or(|at| at <= context.now);
        if self.quality.quality == Quality::Poor && due && context.other_path_exists() {
            self.repair_poor(context);
        }
    }

    fn repair_poor(&mut self, context: &mut Context) {
        let fault = Fault::QualityPoor;
        let pause = context.pause(BackoffContext::new(Link::Peer, self.quality.repairs, &fault));
        let rest = self.quality.rest(pause.unwrap_or_else(|| context.sleep(Link::Peer)));
        self.quality.repairs = self.quality.repairs.saturating_add(1);
        self.quality.not_before = Some(context.now + rest);
        self.on_fault(fault, context);
    }
}
