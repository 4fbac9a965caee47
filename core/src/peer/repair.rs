//! The repair of a link: the open outage, the step under way, and the pauses between steps.

mod hedge;
pub(crate) mod strategy;

use std::time::{Duration, Instant};

use crate::fault::{Fault, Link, Phase};
use crate::id::PeerKey;
use crate::output::Event;
use crate::peer::connections::Connections;
use crate::peer::health::LinkHealth;
use crate::peer::outage::Outage;
use crate::peer::remote::RemotePeer;
use crate::peer::repair_state::RepairState;
use crate::policy::{BackoffContext, Outcome, RecoveryStep};
use crate::supervisor::context::Context;
use crate::supervisor::timers::Timer;

/// The state of a link's repair.
#[derive(Debug)]
pub(crate) struct Repair {
    /// The open outage; `None` while the link is up.
    pub(crate) outage: Option<Outage>,
    /// Rebuilds tried in this outage.
    pub(crate) rebuilds: u32,
    /// The pause before the last repeated rebuild.
    previous_delay: Option<Duration>,
    /// When the link healed while an offer that we had asked for was on its way.
    healed_before_offer: Option<Instant>,
}

/// How long the offer that we asked for may take: a later one answers no request of ours.
const REQUESTED_OFFER_TIMEOUT: Duration = Duration::from_secs(3);

impl Repair {
    /// Creates the repair of a new link, whose first connection counts as an outage.
    pub(crate) fn new(now: Instant) -> Self {
        let outage = Some(Outage::new(Fault::NotConnected, Duration::ZERO, now));
        Self { outage, rebuilds: 0, previous_delay: None, healed_before_offer: None }
    }

    /// Returns where the repair stands; `None` while the link is up.
    pub(crate) fn state(&self) -> Option<RepairState> {
        self.outage.as_ref().map(|outage| outage.state)
    }

    /// Returns the step that is under way.
    pub(crate) fn step(&self) -> Option<RecoveryStep> {
        self.outage.as_ref().and_then(Outage::step)
    }

    /// Returns when the outage was detected.
    pub(crate) fn detected_at(&self) -> Option<Instant> {
        self.outage.as_ref().map(|outage| outage.detected_at)
    }

    /// Opens an outage, or adds the fault to the open one; returns whether it opened one.
    pub(crate) fn open(
        &mut self,
        fault: Fault,
        silent_for: Duration,
        remote: &RemotePeer,
        context: &mut Context,
    ) -> bool {
        if let Some(outage) = &mut self.outage {
            if outage.fault == Fault::QualityPoor && fault != Fault::PeerInitiatedRepair {
                // a link that worked badly has ceased to work
                outage.fault = fault;
            }
            return false;
        }
        self.outage = Some(Outage::new(fault.clone(), silent_for, context.now));
        self.reset_pace();
        context.timers.clear(&Timer::Checkup(remote.key.clone()));
        context.timers.clear(&Timer::Stats(remote.key.clone()));
        if remote.implicit {
            remote.start_expiry(context);
        }
        context.event(Event::Interrupted { link: remote.name(), fault, silent_for });
        true
    }

    /// Closes the outage after the proof of a new or an old connection, and returns it.
    pub(crate) fn close(&mut self, is_new: bool, now: Instant) -> Option<Outage> {
        let requested = self.state() == Some(RepairState::AwaitingOffer);
        self.healed_before_offer = requested.then_some(now);
        let mut outage = self.outage.take()?;
        if !is_new && !outage.step().is_some_and(RecoveryStep::keeps_connection) {
            // a late pong between two steps, or beside a new connection: the link healed by itself
            outage.give_way(Outcome::Superseded, now);
        }
        self.reset_pace();
        Some(outage)
    }

    /// Forgets how often and how slowly rebuilds were tried.
    pub(crate) fn reset_pace(&mut self) {
        self.rebuilds = 0;
        self.previous_delay = None;
    }

    /// Forgets what was tried, because the circumstances have changed.
    pub(crate) fn start_over(&mut self, now: Instant) {
        self.reset_pace();
        if let Some(outage) = &mut self.outage {
            outage.end_step(Outcome::Superseded, now);
            outage.tried.clear();
            outage.anew = true;
        }
    }

    /// Enters a state, which ends after `limit` or with the input that the state names.
    pub(crate) fn enter(
        &mut self,
        state: RepairState,
        limit: Option<Duration>,
        key: &PeerKey,
        context: &mut Context,
    ) {
        let timer = Timer::Repair(key.clone());
        match limit {
            Some(limit) => context.timers.set(timer, context.now, limit),
            None => context.timers.clear(&timer),
        }
        context.timers.clear(&Timer::Verification(key.clone()));
        if let Some(outage) = &mut self.outage {
            outage.enter(state, context.now);
        }
    }

    /// Begins a step: a new connection beside the mild step that is under way, any other step in its place.
    pub(crate) fn begin(
        &mut self,
        step: RecoveryStep,
        remote: &RemotePeer,
        connections: &Connections,
        context: &mut Context,
    ) {
        context.timers.clear(&Timer::HeadStart(remote.key.clone()));
        let hedges = step == RecoveryStep::RecreatePeerConnection && connections.can_hedge(remote);
        if let Some(outage) = &mut self.outage {
            if hedges && outage.step().is_some_and(RecoveryStep::keeps_connection) {
                outage.hedge(step, context.now);
            } else {
                outage.begin(step, context.now);
            }
        }
    }

    /// Ends the step that is under way.
    pub(crate) fn end_step(&mut self, outcome: Outcome, now: Instant) {
        if let Some(outage) = &mut self.outage {
            outage.end_step(outcome, now);
        }
    }

    /// Ends the step that is under way in favour of the active connection.
    pub(crate) fn give_way(&mut self, outcome: Outcome, now: Instant) {
        if let Some(outage) = &mut self.outage {
            outage.give_way(outcome, now);
        }
    }

    /// Returns the pause before a step: the policy's before a repeated rebuild, mostly none otherwise.
    ///
    /// `None` means that the retries are spent.
    /// A link that breaks as soon as it is verified would repeat its first repair for ever, so the budget paces that too.
    pub(crate) fn pause(
        &mut self,
        step: RecoveryStep,
        remote: &RemotePeer,
        health: &LinkHealth,
        context: &mut Context,
    ) -> Option<Duration> {
        let Some(outage) = &self.outage else { return Some(Duration::ZERO) };
        if step == RecoveryStep::RecreatePeerConnection && self.rebuilds > 0 {
            let elapsed = context.now.saturating_duration_since(outage.detected_at);
            let backoff = BackoffContext::new(Link::Peer, self.rebuilds - 1, &outage.fault);
            let pause =
                context.pause(BackoffContext { elapsed, previous: self.previous_delay, ..backoff })?;
            self.previous_delay = Some(pause);
            return Some(pause);
        }
        let stable_after = remote.limit(Phase::StableAfter, context);
        let at_once = outage.detected_at.saturating_duration_since(health.up_since) < stable_after;
        let moved = outage.anew || outage.fault.is_change();
        let flaps = health.ever_up && at_once && !moved && outage.tried.is_empty();
        Some(if flaps { context.spend() } else { Duration::ZERO })
    }

    /// Returns whether an offer that we asked for arrives although the link has healed; asked once.
    pub(crate) fn is_offer_unneeded(&mut self, now: Instant) -> bool {
        let healed_at = self.healed_before_offer.take().filter(|_| self.outage.is_none());
        healed_at.is_some_and(|at| now.saturating_duration_since(at) < REQUESTED_OFFER_TIMEOUT)
    }

    /// Returns whether any working path ends the outage; not if one is to be replaced although it works.
    pub(crate) fn lacks_path(&self) -> bool {
        let replaces = |outage: &Outage| matches!(outage.fault, Fault::QualityPoor | Fault::Requested);
        self.outage.as_ref().is_some_and(|outage| !replaces(outage))
    }

    /// Returns whether the last step ended without proof: bytes may go one way only.
    pub(crate) fn is_disproved(&self) -> bool {
        let last = self.outage.as_ref().and_then(|outage| outage.tried.last());
        last.is_some_and(|tried| tried.outcome == Outcome::Unverified)
    }

    /// Returns whether only the proof of a path that showed life by itself is under way.
    pub(crate) fn waits_for_active(&self, connections: &Connections) -> bool {
        self.step() == Some(RecoveryStep::Wait) && connections.candidate.is_none()
    }

    /// Returns whether the spare is being verified, in place of the active connection.
    pub(crate) fn moves_to_spare(&self, connections: &Connections) -> bool {
        connections.candidate.is_some() && self.step() == Some(RecoveryStep::MoveToSpare)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(fault: Fault, now: Instant) -> Repair {
        Repair { outage: Some(Outage::new(fault, Duration::ZERO, now)), ..Repair::new(now) }
    }

    #[test]
    fn an_offer_that_was_asked_for_before_the_link_healed_is_unneeded_once() {
        let now = Instant::now();
        let mut repair = open(Fault::IceDisconnected, now);
        repair.outage.as_mut().unwrap().enter(RepairState::AwaitingOffer, now);
        assert!(repair.close(false, now).is_some());
        assert!(repair.is_offer_unneeded(now));
        assert!(!repair.is_offer_unneeded(now));
    }

    #[test]
    fn an_offer_that_comes_long_after_is_needed() {
        let now = Instant::now();
        let mut repair = open(Fault::IceDisconnected, now);
        repair.outage.as_mut().unwrap().enter(RepairState::AwaitingOffer, now);
        repair.close(false, now);
        assert!(!repair.is_offer_unneeded(now + REQUESTED_OFFER_TIMEOUT));
    }

    #[test]
    fn a_path_of_poor_quality_is_replaced_although_it_works() {
        let now = Instant::now();
        assert!(!open(Fault::QualityPoor, now).lacks_path());
        assert!(open(Fault::IceFailed, now).lacks_path());
    }

    #[test]
    fn what_heals_between_two_steps_has_healed_by_itself() {
        let now = Instant::now();
        let mut repair = open(Fault::IceDisconnected, now);
        repair.outage.as_mut().unwrap().begin(RecoveryStep::RecreatePeerConnection, now);
        let outage = repair.close(false, now).unwrap();
        assert_eq!(outage.step(), Some(RecoveryStep::Wait));
        assert!(repair.outage.is_none());
    }
}
