//! An outage as a value: the fault, the steps tried, the state of the repair, the phases.

use std::time::{Duration, Instant};

use crate::fault::Fault;
use crate::output::{LinkName, Peer};
use crate::output::{OutagePhase, Recovery};
use crate::peer::repair_state::RepairState;
use crate::peer::timeline::Timeline;
use crate::policy::{Outcome, RecoveryStep, Tried};

/// One outage of a link; the first connection is one too, with [`Fault::NotConnected`].
#[derive(Debug)]
pub(crate) struct Outage {
    pub(crate) fault: Fault,
    pub(crate) detected_at: Instant,
    pub(crate) tried: Vec<Tried>,
    pub(crate) state: RepairState,
    /// Whether something has moved since it was detected, so that the repair began anew.
    pub(crate) anew: bool,
    detection: Duration,
    step: Option<(RecoveryStep, Instant)>,
    /// What goes on beside it, on the connection in use.
    beside: Option<(RecoveryStep, Instant)>,
    timeline: Timeline,
}

/// Steps kept for the record; an outage of days tries thousands.
const KEPT_STEPS: usize = 64;

impl Outage {
    pub(crate) fn new(fault: Fault, detection: Duration, now: Instant) -> Self {
        Self {
            fault,
            detected_at: now,
            tried: Vec::new(),
            state: RepairState::Deciding,
            anew: false,
            detection,
            step: None,
            beside: None,
            timeline: Timeline::new(detection, now),
        }
    }

    /// Returns whether a channel on which data arrived last at `last_received` works in spite of this outage.
    pub(crate) fn trusts_channel(&self, last_received: Option<Instant>) -> bool {
        // the message that opened the outage may have come over this channel
        let opened_it = self.fault == Fault::PeerInitiatedRepair && last_received == Some(self.detected_at);
        let works_badly = matches!(self.fault, Fault::QualityPoor | Fault::Requested);
        works_badly || opened_it || last_received > Some(self.detected_at)
    }

    /// Moves on to `state`.
    pub(crate) fn enter(&mut self, state: RepairState, now: Instant) {
        self.state = state;
        self.timeline.pass_to(state.phase(), now);
    }

    /// Hands the time to a phase that no state of a peer link names.
    pub(crate) fn pass_to(&mut self, phase: OutagePhase, now: Instant) {
        self.timeline.pass_to(phase, now);
    }

    /// Begins a step; an unfinished one is superseded.
    pub(crate) fn begin(&mut self, step: RecoveryStep, now: Instant) {
        self.end_step(Outcome::Superseded, now);
        self.step = Some((step, now));
    }

    /// Begins a step beside the one that is under way.
    pub(crate) fn hedge(&mut self, step: RecoveryStep, now: Instant) {
        let milder = self.step.take();
        self.begin(step, now);
        self.beside = milder;
    }

    /// Returns whether two steps are under way.
    pub(crate) fn is_hedged(&self) -> bool {
        self.beside.is_some()
    }

    /// Ends the step that is under way in favour of the connection in use: what goes on there goes on alone.
    pub(crate) fn give_way(&mut self, outcome: Outcome, now: Instant) {
        let milder = self.beside.take();
        self.end_step(outcome, now);
        self.step = milder.or(Some((RecoveryStep::Wait, now)));
    }

    /// Returns the step that is under way.
    pub(crate) fn step(&self) -> Option<RecoveryStep> {
        self.step.map(|(step, _)| step)
    }

    /// Ends the step that is under way, if there is one, and what goes on beside it.
    pub(crate) fn end_step(&mut self, outcome: Outcome, now: Instant) {
        let milder = match outcome {
            Outcome::Verified => Outcome::Superseded,
            Outcome::Unverified | Outcome::TimedOut | Outcome::Failed | Outcome::Superseded => {
                Outcome::TimedOut
            }
        };
        let (beside, step) = (self.beside.take(), self.step.take());
        self.record(beside, milder, now);
        self.record(step, outcome, now);
    }

    fn record(&mut self, step: Option<(RecoveryStep, Instant)>, outcome: Outcome, now: Instant) {
        let Some((step, began)) = step else { return };
        if self.tried.len() == KEPT_STEPS {
            self.tried.remove(0);
        }
        self.tried.push(Tried { step, outcome, took: now.saturating_duration_since(began) });
    }

    /// Closes the outage, verified.
    pub(crate) fn recovered(mut self, link: LinkName, peer: Option<Peer>, now: Instant) -> Recovery {
        self.end_step(Outcome::Verified, now);
        Recovery {
            link,
            peer,
            outage: self.detection + now.saturating_duration_since(self.detected_at),
            fault: self.fault,
            tried: self.tried,
            timeline: self.timeline.close(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(outage: &Outage) -> Vec<(RecoveryStep, Outcome)> {
        outage.tried.iter().map(|tried| (tried.step, tried.outcome)).collect()
    }

    #[test]
    fn a_hedge_that_gives_way_leaves_the_milder_step_under_way() {
        let now = Instant::now();
        let mut outage = Outage::new(Fault::IceDisconnected, Duration::ZERO, now);
        outage.begin(RecoveryStep::Wait, now);
        outage.hedge(RecoveryStep::RecreatePeerConnection, now);
        assert!(outage.is_hedged());
        outage.give_way(Outcome::Failed, now);
        assert_eq!(outage.step(), Some(RecoveryStep::Wait));
        assert_eq!(steps(&outage), [(RecoveryStep::RecreatePeerConnection, Outcome::Failed)]);
    }

    #[test]
    fn a_verified_hedge_supersedes_the_milder_step() {
        let now = Instant::now();
        let mut outage = Outage::new(Fault::IceDisconnected, Duration::ZERO, now);
        outage.begin(RecoveryStep::RestartIce, now);
        outage.hedge(RecoveryStep::RecreatePeerConnection, now);
        outage.end_step(Outcome::Verified, now);
        let expected = [
            (RecoveryStep::RestartIce, Outcome::Superseded),
            (RecoveryStep::RecreatePeerConnection, Outcome::Verified),
        ];
        assert_eq!(steps(&outage), expected);
    }

    #[test]
    fn a_channel_is_trusted_only_after_data_that_is_younger_than_the_fault() {
        let start = Instant::now();
        let detected_at = start + Duration::from_secs(1);
        let outage = Outage::new(Fault::IceDisconnected, Duration::ZERO, detected_at);
        assert!(!outage.trusts_channel(None));
        assert!(!outage.trusts_channel(Some(detected_at)));
        assert!(outage.trusts_channel(Some(detected_at + Duration::from_millis(1))));
        let requested = Outage::new(Fault::Requested, Duration::ZERO, detected_at);
        assert!(requested.trusts_channel(None));
    }
}
