//! Measures a stage: from when, until when, and whose every millisecond was.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::chronicle::{Ascent, Chronicle};
use crate::incident::{Link, Phase, TOLERANCE_MS};
use crate::ledger::Role;
use crate::play::Run;
use crate::row::{Measure, milliseconds};
use crate::scenario::act::{Since, Stage};

/// When things were broken and mended.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    broken: Instant,
    mended: Instant,
    settled: Instant,
    whole: bool,
}

impl Stopwatch {
    /// Creates a stopwatch of a world in which nothing is broken.
    pub fn new(now: Instant) -> Self {
        Self { broken: now, mended: now, settled: now, whole: true }
    }

    /// Notes that something began to break then, and is broken by `now`; the first of several faults counts.
    pub fn breaks(&mut self, began: Instant, now: Instant) {
        self.begin(began);
        (self.mended, self.settled) = (now, now);
    }

    /// Notes that something is mended, since it began to be then.
    pub fn mends(&mut self, began: Instant, now: Instant) {
        self.begin(began);
        (self.mended, self.settled) = (now, now);
    }

    fn begin(&mut self, began: Instant) {
        if std::mem::take(&mut self.whole) {
            self.broken = began;
        }
    }

    /// Notes that everything is whole, so that whatever is done next is another matter.
    pub fn is_whole(&mut self) {
        self.whole = true;
    }

    /// Returns since when nothing has been changed by the lab: what goes both ways after it proves a recovery.
    pub fn settled(&self) -> Instant {
        self.settled
    }

    /// Returns whether somebody has noticed the fault on a link.
    pub fn was_noticed(&self, chronicle: &Chronicle, role: Role, link: Link) -> bool {
        let mut since = chronicle.interruptions.iter().rev().take_while(|begun| begun.at >= self.broken);
        since.any(|begun| begun.role == role && begun.link == link)
    }

    /// Returns how long the link took to be whole again.
    ///
    /// # Errors
    /// If messages have not gone both ways, or if a millisecond has no owner or one that is unknown here.
    pub fn measure(&self, chronicle: &Chronicle, stage: Stage, run: &Run) -> Result<Measure> {
        let link = run.scenario.measured;
        let noticed =
            chronicle.interruptions.iter().find(|begun| begun.at >= self.broken && begun.link == link);
        let since = match stage.since {
            Since::Break => self.broken,
            Since::Mend => self.mended,
            Since::Notice => noticed.map_or(self.broken, |noticed| noticed.at),
        };
        let flowed = chronicle.flowed_since(self.settled).context("no messages have gone both ways")?;
        let ascents: Vec<_> = chronicle
            .ascents
            .iter()
            .filter(|ascent| ascent.at >= self.broken && ascent.link == link)
            .collect();
        let up = ascents.iter().map(|ascent| ascent.at).max();
        let end = match link {
            Link::Peer => up.map_or(flowed, |up| up.max(flowed)),
            Link::Signaling => up.unwrap_or(since),
        };
        let total = end.saturating_duration_since(since);
        let told = ascents.iter().filter(|ascent| ascent.incident.is_some()).max_by_key(|ascent| ascent.at);
        let owners = told.map_or_else(BTreeMap::new, |ascent| owners(ascent, since));
        let mut phases = Phase::ALL.map(|phase| (phase.name().to_owned(), 0.0)).into_iter().collect();
        for (owner, ms) in &owners {
            let phase =
                Phase::of(owner).with_context(|| format!("nobody here knows an owner called {owner}"))?;
            add(&mut phases, phase, *ms);
        }
        // What passed before the incident that was last to end, and after it, is nobody's but the lab's to tell.
        let (began, ended) =
            told.map_or((since, since), |ascent| (beginning(ascent, since), ascent.at.max(since)));
        add(&mut phases, Phase::Detection, milliseconds(began.saturating_duration_since(since)));
        add(&mut phases, Phase::Delivery, milliseconds(end.saturating_duration_since(ended)));
        let sum: f64 = phases.values().sum();
        ensure!(
            (sum - milliseconds(total)).abs() <= TOLERANCE_MS,
            "the phases {phases:?} sum to {sum:.3} ms and not to {total:?}"
        );
        let others = |ascent: &&Ascent| ascent.link != link && ascent.at >= self.broken;
        let other = chronicle.ascents.iter().filter(others).map(|ascent| ascent.at).max();
        Ok(Measure {
            stage: stage.name.to_owned(),
            since: format!("{:?}", stage.since).to_lowercase(),
            limit: stage.limit.formula().to_owned(),
            limit_ms: milliseconds(stage.limit.bound(run.rtt)),
            detection_ms: noticed
                .map(|noticed| milliseconds(noticed.at.saturating_duration_since(self.broken))),
            total_ms: milliseconds(total),
            other_link_ms: other.map(|at| milliseconds(at.saturating_duration_since(since))),
            phases,
            owners,
            incidents: ascents
                .iter()
                .filter_map(|ascent| Some((ascent.role, ascent.incident.clone()?)))
                .collect(),
        })
    }
}

/// Returns who owned the time of the incident since then.
fn owners(ascent: &Ascent, since: Instant) -> BTreeMap<String, f64> {
    let window = ascent.at.saturating_duration_since(since);
    ascent.incident.as_ref().map(|incident| incident.last(window)).unwrap_or_default()
}

/// Returns when the incident began, or `since` if that was before.
fn beginning(ascent: &Ascent, since: Instant) -> Instant {
    let outage = ascent.incident.as_ref().map_or(0.0, |incident| incident.outage_ms.max(0.0));
    let outage = Duration::try_from_secs_f64(outage / 1e3).unwrap_or_default();
    ascent.at.checked_sub(outage).map_or(since, |began| began.max(since))
}

fn add(phases: &mut BTreeMap<String, f64>, phase: Phase, ms: f64) {
    *phases.entry(phase.name().to_owned()).or_insert(0.0) += ms;
}
