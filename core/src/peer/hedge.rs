//! Two repairs at once: a mild one goes on beside a new connection, and whichever is verified first is kept.
//!
//! Only between rejoin peers, and both must keep the same connection.
//! So the offerer chooses: an answerer whose ping was just answered on one waits with it while the other works too,
//! until the offerer, which may have had its own answer there, has let go of one.

use std::time::Duration;

use crate::fault::Fault;
use crate::ice::Role;
use crate::id::{Generation, SessionId};
use crate::message::SignalingMessage;
use crate::peer::link::PeerLink;
use crate::peer::outage::RepairState;
use crate::peer::verification::GRACE_PACE;
use crate::policy::{Outcome, RecoveryStep};
use crate::supervisor::Timer;
use crate::supervisor::context::Context;

/// How long the offerer's choice may be on its way beyond two round trips: a busy peer's pause.
const CHOICE: Duration = Duration::from_millis(500);

/// How long the offer that we asked for may take: an offer that comes later was not asked for by us.
const ANSWER: Duration = Duration::from_secs(3);

impl PeerLink {
    /// Returns whether both sides can keep two connections for a while.
    pub(crate) fn hedges(&self) -> bool {
        self.remote.is_rejoin() && self.connections.active.is_some()
    }

    /// Gives a step that has begun its time alone, if the strategy wants a new connection beside it.
    ///
    /// An ICE restart breaks the path that it replaces, so beside a new connection it may cost nothing but a dead one.
    pub(crate) fn give_head_start(&self, step: RecoveryStep, context: &mut Context) {
        let harmless = match step {
            RecoveryStep::Wait => true,
            RecoveryStep::RestartIce | RecoveryStep::RestartIceViaRelay => self.path_is_dead(),
            RecoveryStep::MoveToSpare
            | RecoveryStep::RecreatePeerConnection
            | RecoveryStep::ReconnectSignaling
            | RecoveryStep::GiveUp => false,
        };
        if !harmless || !self.hedges() {
            return;
        }
        let head_start = self
            .with_incident(context, |incident| context.policies.recovery.head_start(incident, step))
            .flatten();
        if let Some(head_start) = head_start {
            context.timers.set(Timer::HeadStart(self.remote.key.clone()), context.now, head_start);
        }
    }

    fn path_is_dead(&self) -> bool {
        let silent = self.repair.outage.as_ref().is_some_and(|outage| outage.fault.is_silence());
        silent || self.connections.active.as_ref().is_some_and(|active| !active.ice.is_connected())
    }

    /// The head start is over: build a new connection beside the step that goes on.
    pub(crate) fn head_start_over(&mut self, context: &mut Context) {
        if !self.goes_on_alone() {
            return;
        }
        if !self.can_negotiate(context) {
            context.signaling_suspect = true;
            return context.timers.set(Timer::HeadStart(self.remote.key.clone()), context.now, GRACE_PACE);
        }
        self.pause_before(RecoveryStep::RecreatePeerConnection, context);
    }

    /// Returns whether a step is under way on the connection in use, with nothing beside it.
    pub(crate) fn goes_on_alone(&self) -> bool {
        let Some(outage) =
            self.repair.outage.as_ref().filter(|_| self.connections.candidate.is_none() && self.hedges())
        else {
            return false;
        };
        let mild = outage.step().is_some_and(RecoveryStep::keeps_connection);
        mild && match outage.state {
            RepairState::Grace
            | RepairState::RestartRequested
            | RepairState::Gathering(_)
            | RepairState::Handshake(_)
            | RepairState::Checking(_)
            | RepairState::Securing(_)
            | RepairState::Verifying(_) => true,
            RepairState::Deciding
            | RepairState::NoNetwork
            | RepairState::NoSignaling
            | RepairState::NoAddress
            | RepairState::Backoff(_)
            | RepairState::AskingSignaling
            | RepairState::AwaitingOffer
            | RepairState::Dormant => false,
        }
    }

    /// Returns whether the old connection may still win; not if the peer, which began the repair, may want to
    /// leave a path that works.
    pub(crate) fn may_keep_the_old(&self) -> bool {
        let ours = self
            .repair
            .outage
            .as_ref()
            .is_some_and(|outage| outage.fault != Fault::PeerInitiatedRepair || outage.is_hedged());
        ours && self.hedges() && self.lacks_a_path()
    }

    /// A connection has carried bytes both ways: it is the one, unless the offerer may be choosing the other.
    pub(crate) fn proven(&mut self, generation: Generation, context: &mut Context) {
        if !self.offerer_may_choose_other(generation, context) {
            self.verified(generation, context);
        }
    }

    /// Returns whether the offerer may have had proof of the other connection: we have just answered its ping there.
    fn offerer_may_choose_other(&self, generation: Generation, context: &Context) -> bool {
        let Some(outage) = self.repair.outage.as_ref().filter(|_| self.remote.role() == Role::Answerer)
        else {
            return false;
        };
        let other = self.connections.newest_first().find(|connection| connection.generation != generation);
        other.filter(|other| self.remote.is_rejoin() && other.looks_alive()).is_some_and(|other| {
            let round_trips = other.liveness.probes.rtt.map_or(Duration::ZERO, |rtt| rtt.smoothed * 2);
            other.liveness.answered_at.is_some_and(|at| {
                let since = context.now.saturating_duration_since(at);
                at >= outage.detected_at && since < CHOICE + round_trips
            })
        })
    }

    /// Lets go of the new connection in favour of the old, and says so: the peer may still believe in it.
    pub(crate) fn withdraw_candidate(&mut self, context: &mut Context) {
        if let Some(candidate) = self.connections.candidate.take() {
            self.say_withdrawn(candidate.session.clone(), context);
            self.connections.close(candidate, context);
        }
    }

    /// Tells a rejoin peer over the connection in use that there is nothing at our end of this session.
    pub(crate) fn say_withdrawn(&self, session: SessionId, context: &mut Context) {
        if self.remote.is_rejoin() {
            self.send_over_channel(SignalingMessage::Withdraw { session }, context);
        }
    }

    /// The peer has let go of a connection, and keeps the one that brought this.
    pub(crate) fn withdrawn(&mut self, session: SessionId, context: &mut Context) {
        if self.connections.spare.has(&session) {
            return self.drop_spare(context);
        }
        let ended = self.connections.candidate.take_if(|candidate| candidate.session == session);
        self.connections.withdrawn = Some(session);
        if let Some(candidate) = ended {
            self.connections.close(candidate, context);
            self.return_to_the_old(Outcome::Superseded, context);
        }
    }

    /// Returns whether an offer for a new connection comes too late, and tells the peer if it cannot know.
    pub(crate) fn turns_away(&mut self, session: &SessionId, context: &mut Context) -> bool {
        if self.remote.is_rejoin() && self.connections.withdrawn.as_ref() == Some(session) {
            return true;
        }
        let asked_at = self.repair.asked_in_vain.take().filter(|_| self.repair.outage.is_none());
        let unneeded = asked_at.is_some_and(|at| context.now.saturating_duration_since(at) < ANSWER);
        if unneeded {
            self.say_withdrawn(session.clone(), context);
        }
        unneeded
    }

    /// The new connection came to nothing, and the old one looks alive: demand proof of it.
    pub(crate) fn return_to_the_old(&mut self, outcome: Outcome, context: &mut Context) {
        if let Some(outage) = &mut self.repair.outage {
            outage.give_way(outcome, context.now);
        }
        self.verify_active(context);
    }
}
