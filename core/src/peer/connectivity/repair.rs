//! Repairs of a link: what opens an outage, and what each step does as the offerer and as the answerer.

use std::time::Duration;

use crate::fault::{Fault, Link, Phase};
use crate::ice::{IceTransportPolicy, Role};
use crate::id::{Generation, SessionId};
use crate::output::Event;
use crate::peer::connection::Connection;
use crate::peer::connectivity::Connectivity;
use crate::peer::repair::strategy::Situation;
use crate::peer::repair_state::RepairState;
use crate::policy::{Outcome, RecoveryStep, Spare};
use crate::port::PeerAction;
use crate::supervisor::context::Context;
use crate::supervisor::timers::Timer;

/// The delay before a head start that is over is looked at again, when the peer could not be reached.
const HEAD_START_RETRY_DELAY: Duration = Duration::from_secs(1);

/// How long a spare may take to answer beyond four round trips, two of which pay for a lost ping: a busy peer's delay.
const SPARE_PROOF_DELAY: Duration = Duration::from_millis(250);

impl Connectivity {
    /// Opens an outage and decides what to do, or adds the fault to the open one.
    pub(crate) fn on_fault(&mut self, fault: Fault, context: &mut Context) {
        if self.open_outage(fault, context) {
            self.next_step(context);
        } else if self.repair.state() == Some(RepairState::Grace) {
            // a definite fault ends the grace
            self.step_ended(Outcome::Failed, context);
        }
    }

    /// Opens an outage unless one is open; returns whether it did.
    pub(crate) fn open_outage(&mut self, fault: Fault, context: &mut Context) -> bool {
        let silent_for = self.connections.silent_for(&fault, self.health.up_since, context.now);
        self.repair.open(fault, silent_for, &self.remote, context)
    }

    /// Enters a state, guarded by the limit of `phase` (or by the input that the state names).
    pub(crate) fn enter(&mut self, state: RepairState, phase: Option<Phase>, context: &mut Context) {
        let limit = phase.map(|phase| self.limit_of(phase, context));
        self.repair.enter(state, limit, &self.remote.key, context);
    }

    /// Returns how long `phase` may take on this path.
    fn limit_of(&self, phase: Phase, context: &Context) -> Duration {
        let rtt = self.connections.active.as_ref().and_then(|active| active.liveness.probes.rtt);
        context.peer_limit(phase, self.remote.role(), self.repair.rebuilds, rtt)
    }

    fn situation(&self) -> Situation<'_> {
        Situation {
            remote: &self.remote,
            connections: &self.connections,
            health: &self.health,
            quality: self.quality.quality(),
            channel_is_live: self.channel_is_live(),
        }
    }

    /// Returns whether signaling can reach the peer.
    fn can_negotiate(&self, context: &Context) -> bool {
        self.remote.is_reachable_by_server(context) || self.channel_is_live()
    }

    /// Asks the strategy what to do next and does it, now or after its pause.
    pub(crate) fn next_step(&mut self, context: &mut Context) {
        if self.is_up() {
            return;
        }
        if !context.network_usable() {
            return self.enter(RepairState::NoNetwork, None, context);
        }
        let step = self.repair.choose_step(self.situation(), context);
        match step {
            RecoveryStep::Wait => self.wait(context),
            RecoveryStep::GiveUp => self.sleep(context),
            RecoveryStep::ReconnectSignaling => {
                self.begin(step, context);
                context.suspect_signaling();
                self.enter(RepairState::AskingSignaling, Some(Phase::SignalingPong), context);
            }
            RecoveryStep::MoveToSpare => {
                let ready = self.connections.spare_state(self.repair.detected_at(), context) == Spare::Ready;
                // a strategy may ask for a spare that is not there
                self.pause_before(if ready { step } else { RecoveryStep::RecreatePeerConnection }, context);
            }
            RecoveryStep::RestartIce
            | RecoveryStep::RestartIceViaRelay
            | RecoveryStep::RecreatePeerConnection => {
                if self.can_negotiate(context) {
                    return self.pause_before(step, context);
                }
                if context.signaling.ready {
                    return self.enter(RepairState::NoAddress, None, context);
                }
                context.suspect_signaling();
                self.enter(RepairState::NoSignaling, None, context);
            }
        }
    }

    fn pause_before(&mut self, step: RecoveryStep, context: &mut Context) {
        let Some(pause) = self.repair.pause(step, &self.remote, &self.health, context) else {
            // retries are spent, yet what is under way may still succeed
            if !self.repair.goes_on_alone(&self.remote, &self.connections) {
                self.sleep(context);
            }
            return;
        };
        if let Some(outage) = &self.repair.outage {
            let attempt = u32::try_from(outage.tried.len()).unwrap_or(u32::MAX);
            let (link, fault) = (self.remote.name(), outage.fault.clone());
            context.event(Event::Repairing { link, fault, step, attempt, after: pause });
        }
        if pause.is_zero() {
            return self.perform(step, context);
        }
        self.repair.enter(RepairState::Backoff(step), Some(pause), &self.remote.key, context);
    }

    fn begin(&mut self, step: RecoveryStep, context: &mut Context) {
        self.repair.begin(step, &self.remote, &self.connections, context);
    }

    /// Begins a step, unless it is under way already.
    pub(crate) fn begin_unless_under_way(&mut self, step: RecoveryStep, context: &mut Context) {
        if self.repair.step() != Some(step) {
            self.begin(step, context);
        }
    }

    // ---- the steps

    /// Lets the link heal by itself, and pings it now and then.
    fn wait(&mut self, context: &mut Context) {
        self.begin(RecoveryStep::Wait, context);
        self.enter(RepairState::Grace, Some(Phase::DisconnectedGrace), context);
        self.on_verification_timer(context);
        self.start_head_start(RecoveryStep::Wait, context);
    }

    /// Performs a step, whose pause is over.
    pub(crate) fn perform(&mut self, step: RecoveryStep, context: &mut Context) {
        // what broke the peer's path may have broken the server's: a ping finds a half-open socket soonest
        if self.health.ever_up {
            context.suspect_signaling();
        }
        if self.repair.lacks_path() {
            self.connections.ask_active(Duration::ZERO, context);
        }
        match step {
            RecoveryStep::RestartIce => self.restart_ice(step, IceTransportPolicy::All, context),
            RecoveryStep::RestartIceViaRelay => self.restart_ice(step, IceTransportPolicy::Relay, context),
            RecoveryStep::RecreatePeerConnection => self.rebuild(context),
            RecoveryStep::MoveToSpare => self.move_to_spare(context),
            RecoveryStep::Wait | RecoveryStep::ReconnectSignaling | RecoveryStep::GiveUp => {
                self.next_step(context);
            }
        }
    }

    /// Restarts ICE as the offerer, or asks for it as the answerer.
    fn restart_ice(&mut self, step: RecoveryStep, policy: IceTransportPolicy, context: &mut Context) {
        let role = self.remote.role();
        let Some(active) = &mut self.connections.active else { return self.rebuild(context) };
        let generation = active.generation;
        if role == Role::Offerer && !active.ice.is_connected() {
            // with nothing to lose the transport leaves the old path before the answer comes
            active.path_since = context.now;
        }
        self.begin(step, context);
        match role {
            Role::Offerer => {
                context.peer(generation, PeerAction::RestartIce(policy));
                self.enter(RepairState::Gathering(generation), Some(Phase::Gathering), context);
            }
            Role::Answerer => {
                self.connections.request_restart(&self.remote, context);
                self.enter(RepairState::RestartRequested, Some(Phase::RestartRequest), context);
            }
        }
        self.start_head_start(step, context);
    }

    /// Rebuilds at once, whatever is under way.
    pub(crate) fn rebuild_now(&mut self, context: &mut Context) {
        if self.remote.role() == Role::Offerer && !self.remote.is_rejoin() {
            // a foreign viewer drops the old connection when it sees a new session
            self.close_active(context);
        }
        self.rebuild(context);
    }

    /// Builds a new connection as the offerer, or asks for an offer as the answerer.
    fn rebuild(&mut self, context: &mut Context) {
        self.begin(RecoveryStep::RecreatePeerConnection, context);
        self.repair.rebuilds = self.repair.rebuilds.saturating_add(1);
        self.drop_candidate(context);
        self.connections.leave_foreign_peer(&self.remote, context);
        match self.remote.role() {
            Role::Offerer => {
                let session = context.rng.session();
                self.create_candidate(SessionId(session.into()), context);
            }
            Role::Answerer => {
                self.request_offer(context);
                self.enter(RepairState::AwaitingOffer, Some(Phase::OfferAnswer), context);
            }
        }
    }

    /// Closes the active connection and the spare.
    pub(crate) fn close_active(&mut self, context: &mut Context) {
        if let Some(active) = self.connections.take_active(&self.remote, context) {
            active.close(context);
        }
    }

    /// Closes the candidate, and withdraws it if the channel is live.
    pub(crate) fn drop_candidate(&mut self, context: &mut Context) {
        let live = self.channel_is_live();
        self.connections.drop_candidate(&self.remote, live, context);
    }

    /// Sleeps, its retries spent, until something changes.
    fn sleep(&mut self, context: &mut Context) {
        self.drop_candidate(context);
        self.drop_spare(context);
        self.close_active(context);
        if let Some(outage) = &self.repair.outage {
            context.event(Event::Dormant { link: self.remote.name(), fault: outage.fault.clone() });
        }
        let sleep = context.sleep(Link::Peer);
        self.repair.enter(RepairState::Dormant, Some(sleep), &self.remote.key, context);
    }

    /// Starts the time that a step has alone, if the strategy wants a new connection beside it.
    fn start_head_start(&self, step: RecoveryStep, context: &mut Context) {
        if let Some(head_start) = self.repair.head_start(step, self.situation(), context) {
            context.timers.set(Timer::HeadStart(self.remote.key.clone()), context.now, head_start);
        }
    }

    /// The head start is over: build a new connection beside the step that goes on.
    pub(crate) fn on_head_start_over(&mut self, context: &mut Context) {
        if !self.repair.goes_on_alone(&self.remote, &self.connections) {
            return;
        }
        if !self.can_negotiate(context) {
            context.suspect_signaling();
            let timer = Timer::HeadStart(self.remote.key.clone());
            return context.timers.set(timer, context.now, HEAD_START_RETRY_DELAY);
        }
        self.pause_before(RecoveryStep::RecreatePeerConnection, context);
    }

    /// Moves to the spare, which has to answer soon.
    fn move_to_spare(&mut self, context: &mut Context) {
        let Some(spare) = self.connections.spare.take(context.now) else { return self.rebuild(context) };
        let rtt = spare.liveness.probes.rtt.map_or(Duration::ZERO, |rtt| rtt.smoothed);
        self.verify_spare(spare, context);
        let limit = SPARE_PROOF_DELAY.saturating_add(rtt.saturating_mul(4));
        context.timers.set(Timer::Repair(self.remote.key.clone()), context.now, limit);
    }

    /// Moves to the connection to which the peer has moved.
    pub(crate) fn follow(&mut self, generation: Generation, context: &mut Context) {
        self.open_outage(Fault::PeerInitiatedRepair, context);
        let is_spare = self.connections.is_spare(generation);
        match is_spare.then(|| self.connections.spare.take(context.now)).flatten() {
            Some(spare) => self.verify_spare(spare, context),
            None => self.verify(generation, context),
        }
        if let Some(active) = self.connections.active.take() {
            self.connections.close(active, context);
        }
    }

    fn verify_spare(&mut self, spare: Connection, context: &mut Context) {
        let generation = spare.generation;
        self.drop_candidate(context);
        self.begin(RecoveryStep::MoveToSpare, context);
        self.connections.candidate = Some(spare);
        self.verify(generation, context);
    }

    /// Takes over a connection that was made under another name for the same peer.
    pub(crate) fn adopt(&mut self, connection: Connection, context: &mut Context) {
        let generation = connection.generation;
        self.open_outage(Fault::PeerInitiatedRepair, context);
        self.drop_candidate(context);
        self.begin_unless_under_way(RecoveryStep::RecreatePeerConnection, context);
        self.connections.candidate = Some(connection);
        self.verify(generation, context);
    }

    // ---- the end of a step

    /// The step under way has failed: back to the active connection if it still looks alive, or on to the next step.
    pub(crate) fn step_ended(&mut self, outcome: Outcome, context: &mut Context) {
        let moved = self.repair.moves_to_spare(&self.connections);
        // a link that moves to its spare has left the old connection
        let had_candidate = self.connections.candidate.is_some() && !moved;
        self.drop_candidate(context);
        // a failed candidate leaves the old connection, which may have come back meanwhile
        if had_candidate && self.connections.active_looks_alive() {
            return self.return_to_active(outcome, context);
        }
        self.repair.end_step(outcome, context.now);
        let abandoned = had_candidate && self.connections.active.is_none();
        if abandoned && self.remote.role() == Role::Answerer && !self.remote.is_rejoin() {
            // a foreign publisher may believe in what has failed here, and would ignore the next `play`
            context.send_bye(&self.remote.key, self.remote.address.as_ref());
        }
        self.next_step(context);
    }

    /// The new connection has failed, and the active one looks alive: demand proof of it.
    pub(crate) fn return_to_active(&mut self, outcome: Outcome, context: &mut Context) {
        self.repair.give_way(outcome, context.now);
        if let Some(active) = &self.connections.active {
            self.verify(active.generation, context);
        }
    }

    /// The current state has lasted as long as it may.
    pub(crate) fn on_repair_timer(&mut self, context: &mut Context) {
        let Some(state) = self.repair.state() else { return };
        match state {
            RepairState::Backoff(step) => self.perform(step, context),
            RepairState::Dormant => self.start_over(context),
            RepairState::Verifying(generation) => {
                let limit = self.limit_of(Phase::Verification, context);
                if self.may_yet_answer(generation, limit, context) {
                    return context.timers.set(Timer::Repair(self.remote.key.clone()), context.now, limit);
                }
                self.step_ended(Outcome::Unverified, context);
            }
            RepairState::Grace
            | RepairState::AskingSignaling
            | RepairState::RestartRequested
            | RepairState::AwaitingOffer
            | RepairState::Gathering(_)
            | RepairState::Handshake(_)
            | RepairState::Checking(_)
            | RepairState::Securing(_) => self.step_ended(Outcome::TimedOut, context),
            RepairState::Deciding => self.next_step(context),
            RepairState::NoNetwork | RepairState::NoSignaling | RepairState::NoAddress => {}
        }
    }

    /// Returns whether a candidate, whose pings are unanswered, has a path that lives.
    ///
    /// SCTP sends again what was lost, sooner than another connection would get as far.
    fn may_yet_answer(&self, generation: Generation, limit: Duration, context: &Context) -> bool {
        let is_it = |one: &&Connection| one.generation == generation;
        let Some(candidate) = self.connections.candidate.as_ref().filter(is_it) else { return false };
        let liveness = &candidate.liveness;
        liveness.has_consent(limit, context.now)
            && liveness.probes.unanswered_for(context.now) < self.limit_of(Phase::DataChannelOpen, context)
    }
}
