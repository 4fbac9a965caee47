//! How well a peer link works, and whether a repair of a link that works badly can pay.

use std::time::{Duration, Instant};

use crate::fault::{Fault, Link};
use crate::id::Generation;
use crate::output::Event;
use crate::policy::{Quality, QualityPolicy, Retry};
use crate::port::PeerAction;
use crate::stats::{Sample, StatsHistory};
use crate::supervisor::Timer;
use crate::supervisor::desk::{Desk, SHORTEST_WAIT};
use crate::supervisor::peer_link::PeerLink;

/// Samples kept for the quality policy.
const KEPT_SAMPLES: usize = 32;

/// A path may have changed for the better within an hour, and a repair an hour burdens nobody.
const LONGEST_REST: Duration = Duration::from_secs(3600);

/// A link that turns poor sooner than this after a repair has not been repaired: the next rest is longer.
const GOOD_FOR_LONG: Duration = Duration::from_secs(300);

/// The readings of a link and its grade.
#[derive(Debug)]
pub(super) struct Grading {
    samples: Vec<Sample>,
    quality: Quality,
    since: Instant,
    /// Repairs for poor quality since the link was last good for long.
    repairs: u32,
    /// The next such repair may not come sooner: one that did not help must not be repeated at every reading.
    not_before: Option<Instant>,
}

impl Grading {
    pub(super) fn new(now: Instant) -> Self {
        Self { samples: Vec::new(), quality: Quality::Good, since: now, repairs: 0, not_before: None }
    }

    pub(super) fn quality(&self) -> Quality {
        self.quality
    }

    /// Notes a reading and returns the grade if it changed.
    fn note(&mut self, sample: Sample, policy: &dyn QualityPolicy, now: Instant) -> Option<Quality> {
        if self.samples.len() == KEPT_SAMPLES {
            self.samples.remove(0);
        }
        self.samples.push(sample);
        let since = now.saturating_duration_since(self.since);
        let grade = policy.grade(&StatsHistory::new(&self.samples, self.quality, since));
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
    pub(super) fn kept(&self) -> usize {
        self.samples.len()
    }
}

impl PeerLink {
    /// Forgets the readings and the grade of a path that was replaced or has healed: it is good until new ones tell.
    pub(super) fn grade_anew(&mut self, desk: &mut Desk) {
        self.grading.samples.clear();
        if let Some(quality) = self.grading.regrade(Quality::Good, desk.now) {
            desk.event(Event::QualityChanged { link: self.name(), quality });
        }
    }

    /// Asks for a reading, if the quality policy wants any.
    pub(super) fn read_stats(&mut self, desk: &mut Desk) {
        let Some(interval) = desk.policies.quality.interval().filter(|_| self.outage.is_none()) else {
            return;
        };
        if let Some(active) = &self.active {
            desk.peer(active.generation, PeerAction::ReadStats);
        }
        desk.timers.set(Timer::Stats(self.key.clone()), desk.now, interval.max(SHORTEST_WAIT));
    }

    /// Notes a reading, grades the link, and repairs it if it is poor and a repair can pay.
    pub(super) fn measured(&mut self, generation: Generation, sample: Sample, desk: &mut Desk) {
        let Some(connection) = self.connection(generation) else { return };
        connection.outstanding = Some((sample.bytes_outstanding, desk.now));
        connection.local = sample.local;
        connection.consent.read(sample.responses_received, desk.now);
        let graded = connection.consent_readings == 0;
        connection.consent_readings = connection.consent_readings.saturating_sub(1);
        let (probes_sent, probes_answered) = connection.probes.counts();
        self.proof_without_pong(generation, desk);
        if !graded || self.is_candidate(generation) || self.outage.is_some() {
            return;
        }
        self.make_spare(desk);
        let sample = Sample { probes_sent, probes_answered, ..sample };
        if let Some(quality) = self.grading.note(sample, &*desk.policies.quality, desk.now) {
            desk.event(Event::QualityChanged { link: self.name(), quality });
        }
        let due = self.grading.not_before.is_none_or(|at| at <= desk.now);
        if self.grading.quality == Quality::Poor && due && desk.other_path_exists() {
            self.repair_poor(desk);
        }
    }

    fn repair_poor(&mut self, desk: &mut Desk) {
        let fault = Fault::QualityPoor;
        let pause = desk.pause(Retry::new(Link::Peer, self.grading.repairs, &fault));
        let rest = self.grading.rest(pause.unwrap_or_else(|| desk.sleep(Link::Peer)));
        self.grading.repairs = self.grading.repairs.saturating_add(1);
        self.grading.not_before = Some(desk.now + rest);
        self.broke(fault, desk);
    }
}
