//! An outage as a value: what broke, what was tried, where the repair stands, who owned the time.

use std::time::{Duration, Instant};

use crate::fault::Fault;
use crate::id::Generation;
use crate::output::{LinkName, Peer};
use crate::output::{OutagePhase, Recovery};
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

/// Where the repair stands. Every variant is ended by a timer or by the input that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RepairState {
    /// Nothing is decided yet.
    Deciding,
    /// Until a network snapshot says that there is one.
    NoNetwork,
    /// Until the signaling link is ready.
    NoSignaling,
    /// Until the address of the viewer is known again.
    NoAddress,
    /// The link may heal by itself.
    Grace,
    /// The next step is decided and waits for its turn.
    Backoff(RecoveryStep),
    /// The signaling socket was asked for a sign of life.
    AskingSignaling,
    /// The publisher was asked for an ICE restart.
    RestartRequested,
    /// The publisher was asked for an offer.
    AwaitingOffer,
    /// This connection prepares its description.
    Gathering(Generation),
    /// This connection's offer is out.
    Handshake(Generation),
    /// This connection checks candidate pairs.
    Checking(Generation),
    /// This connection sets up DTLS, SCTP and the channel.
    Securing(Generation),
    /// This connection must carry a ping and its pong.
    Verifying(Generation),
    /// Retries are spent; sleeps.
    Dormant,
}

impl RepairState {
    /// Returns the connection that the repair hangs on.
    pub(crate) fn generation(self) -> Option<Generation> {
        match self {
            Self::Gathering(generation)
            | Self::Handshake(generation)
            | Self::Checking(generation)
            | Self::Securing(generation)
            | Self::Verifying(generation) => Some(generation),
            Self::Deciding
            | Self::NoNetwork
            | Self::NoSignaling
            | Self::NoAddress
            | Self::Grace
            | Self::Backoff(_)
            | Self::AskingSignaling
            | Self::RestartRequested
            | Self::AwaitingOffer
            | Self::Dormant => None,
        }
    }

    /// Returns who owns the time.
    fn phase(self) -> OutagePhase {
        match self {
            Self::Deciding => OutagePhase::Detection,
            Self::NoNetwork => OutagePhase::NoNetwork,
            Self::NoSignaling | Self::AskingSignaling => OutagePhase::NoSignaling,
            Self::NoAddress => OutagePhase::AwaitingPeer,
            Self::Grace => OutagePhase::Grace,
            Self::Backoff(_) => OutagePhase::Backoff,
            Self::RestartRequested | Self::Handshake(_) => OutagePhase::Handshake,
            Self::AwaitingOffer => OutagePhase::AwaitingPeer,
            Self::Gathering(_) => OutagePhase::Gathering,
            Self::Checking(_) => OutagePhase::IceChecking,
            Self::Securing(_) => OutagePhase::Securing,
            Self::Verifying(_) => OutagePhase::Verification,
            Self::Dormant => OutagePhase::Dormant,
        }
    }
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
