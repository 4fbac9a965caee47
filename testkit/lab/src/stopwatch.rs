//! Measures a checkpoint: its total time, and the phase of every millisecond.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rejoin_demo::harness::{Link, Role, TIMELINE_TOLERANCE_MS};

use crate::phase_group::PhaseGroup;
use crate::result::{Measurement, milliseconds};
use crate::run_log::{LinkUp, RunLog};
use crate::scenario::action::{Checkpoint, Since};

/// When faults were injected and healed.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    injected: Instant,
    healed: Instant,
    settled: Instant,
    has_recovered: bool,
}

impl Stopwatch {
    /// Creates a stopwatch of a world without faults.
    pub fn new(now: Instant) -> Self {
        Self { injected: now, healed: now, settled: now, has_recovered: true }
    }

    /// Records that the lab injected or healed a fault from `began` to `done`; the first change begins the incident.
    pub fn on_change(&mut self, began: Instant, done: Instant) {
        if std::mem::take(&mut self.has_recovered) {
            self.injected = began;
        }
        (self.healed, self.settled) = (done, done);
    }

    /// Records that everything has recovered, so that the next fault begins another incident.
    pub fn on_recovered(&mut self) {
        self.has_recovered = true;
    }

    /// Returns since when the lab has changed nothing: data that goes both ways after it proves a recovery.
    pub fn settled(&self) -> Instant {
        self.settled
    }

    /// Returns whether a peer has detected the fault on a link.
    pub fn was_detected(&self, log: &RunLog, role: Role, link: Link) -> bool {
        let mut since = log.interruptions.iter().rev().take_while(|begun| begun.at >= self.injected);
        since.any(|begun| begun.role == role && begun.link == link)
    }

    /// Returns how long `link` took to recover, at a round-trip time of `rtt`.
    ///
    /// # Errors
    /// If messages have not gone both ways, or if a millisecond has no phase or an unknown one.
    pub fn measure(
        &self,
        log: &RunLog,
        checkpoint: Checkpoint,
        link: Link,
        rtt: Duration,
    ) -> Result<Measurement> {
        let detected = log.interruptions.iter().find(|begun| begun.at >= self.injected && begun.link == link);
        let since = match checkpoint.since {
            Since::Inject => self.injected,
            Since::Heal => self.healed,
            Since::Detect => detected.map_or(self.injected, |detected| detected.at),
        };
        let flowed = log.state.flowed_since(self.settled).context("no messages have gone both ways")?;
        let is_late = |link_up: &&LinkUp| link_up.at >= self.injected;
        let (link_ups, others): (Vec<_>, Vec<_>) =
            log.link_ups.iter().filter(is_late).partition(|link_up| link_up.link == link);
        let up = link_ups.iter().map(|link_up| link_up.at).max();
        let end = match link {
            Link::Peer => up.map_or(flowed, |up| up.max(flowed)),
            Link::Signaling => up.unwrap_or(since),
        };
        let total = end.saturating_duration_since(since);
        let last =
            link_ups.iter().filter(|link_up| link_up.recovery.is_some()).max_by_key(|link_up| link_up.at);
        let phases = last.map_or_else(BTreeMap::new, |link_up| phases(link_up, since));
        let mut groups = PhaseGroup::ALL.map(|group| (group.name().to_owned(), 0.0)).into_iter().collect();
        for (phase, ms) in &phases {
            let group = PhaseGroup::of(phase).with_context(|| format!("the phase {phase} has no group"))?;
            add(&mut groups, group, *ms);
        }
        // rejoin reports nothing about the time before its last incident and after it.
        let (began, ended) =
            last.map_or((since, since), |link_up| (beginning(link_up, since), link_up.at.max(since)));
        add(&mut groups, PhaseGroup::Detection, milliseconds(began.saturating_duration_since(since)));
        add(&mut groups, PhaseGroup::Delivery, milliseconds(end.saturating_duration_since(ended)));
        let sum: f64 = groups.values().sum();
        ensure!(
            (sum - milliseconds(total)).abs() <= TIMELINE_TOLERANCE_MS,
            "the groups {groups:?} sum to {sum:.3} ms and not to {total:?}"
        );
        let until = |at: Instant, since| milliseconds(at.saturating_duration_since(since));
        Ok(Measurement {
            checkpoint: checkpoint.name.to_owned(),
            since: format!("{:?}", checkpoint.since).to_lowercase(),
            limit: checkpoint.limit.formula().to_owned(),
            limit_ms: milliseconds(checkpoint.limit.bound(rtt)),
            detection_ms: detected.map(|detected| until(detected.at, self.injected)),
            total_ms: milliseconds(total),
            other_link_ms: others.iter().map(|link_up| link_up.at).max().map(|at| until(at, since)),
            groups,
            phases,
            incidents: link_ups
                .iter()
                .filter_map(|link_up| Some((link_up.role, link_up.recovery.clone()?)))
                .collect(),
        })
    }
}

/// Returns the phases of the incident since then.
fn phases(link_up: &LinkUp, since: Instant) -> BTreeMap<String, f64> {
    let window = link_up.at.saturating_duration_since(since);
    link_up.recovery.as_ref().map(|recovery| recovery.last_phases(window)).unwrap_or_default()
}

/// Returns when the incident began, or `since` if that was before.
fn beginning(link_up: &LinkUp, since: Instant) -> Instant {
    let outage = link_up.recovery.as_ref().map_or(0.0, |recovery| recovery.outage_ms.max(0.0));
    let outage = Duration::try_from_secs_f64(outage / 1e3).unwrap_or_default();
    link_up.at.checked_sub(outage).map_or(since, |began| began.max(since))
}

fn add(groups: &mut BTreeMap<String, f64>, group: PhaseGroup, ms: f64) {
    *groups.entry(group.name().to_owned()).or_insert(0.0) += ms;
}
