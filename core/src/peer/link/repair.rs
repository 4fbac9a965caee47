//! How the repair of a peer link goes: asks the strategy, keeps the pauses, and moves on when a step has ended.

use std::time::Duration;

use crate::fault::{Fault, Link, Phase};
use crate::ice::Role;
use crate::network::NetworkSnapshot;
use crate::output::Event;
use crate::peer::link::PeerLink;
use crate::peer::outage::{Outage, RepairState};
use crate::policy::{BackoffContext, Outcome, RecoveryContext, RecoveryStep, Spare};
use crate::supervisor::Timer;
use crate::supervisor::context::Context;

impl PeerLink {
    /// Opens an outage, or lets the one that is open know more, and decides what to do.
    pub(crate) fn on_fault(&mut self, fault: Fault, context: &mut Context) {
        if self.open_outage(fault, context) {
            self.next_step(context);
        } else if self.repair.outage.as_ref().is_some_and(|outage| outage.state == RepairState::Grace) {
            // a definite fault ends the grace
            self.step_ended(Outcome::Failed, context);
        }
    }

    /// Opens an outage unless one is open; returns whether it did.
    pub(crate) fn open_outage(&mut self, fault: Fault, context: &mut Context) -> bool {
        if let Some(outage) = &mut self.repair.outage {
            if outage.fault == Fault::QualityPoor && fault != Fault::PeerInitiatedRepair {
                // what worked badly has ceased to work
                outage.fault = fault;
            }
            return false;
        }
        let silent_for = match &self.connections.active {
            Some(active) if fault.is_silence() => {
                active.liveness.probes.silent_for(self.health.up_since, context.now)
            }
            Some(_) | None => Duration::ZERO,
        };
        self.repair.outage = Some(Outage::new(fault.clone(), silent_for, context.now));
        self.repair.rebuilds = 0;
        self.repair.previous_delay = None;
        context.timers.clear(&Timer::Checkup(self.remote.key.clone()));
        context.timers.clear(&Timer::Stats(self.remote.key.clone()));
        if self.remote.implicit {
            self.start_expiry(context);
        }
        context.event(Event::Interrupted { link: self.remote.name(), fault, silent_for });
        true
    }

    /// Gives a peer that may be gone for good its time to come back.
    pub(crate) fn start_expiry(&self, context: &mut Context) {
        let phase = if self.remote.is_rejoin() { Phase::RejoinPeerExpiry } else { Phase::PeerExpiry };
        let limit = context.peer_limit(phase, self.remote.role(), 0, None);
        context.timers.set(Timer::Gone(self.remote.key.clone()), context.now, limit);
    }

    /// Moves the outage on, guarded by the limit of `phase` (or by the input that the state names).
    pub(crate) fn enter(&mut self, state: RepairState, phase: Option<Phase>, context: &mut Context) {
        let timer = Timer::Repair(self.remote.key.clone());
        match phase {
            Some(phase) => context.timers.set(timer, context.now, self.limit_of(phase, context)),
            None => context.timers.clear(&timer),
        }
        context.timers.clear(&Timer::Verification(self.remote.key.clone()));
        if let Some(outage) = &mut self.repair.outage {
            outage.enter(state, context.now);
        }
    }

    /// Returns how long `phase` may take on this path.
    pub(crate) fn limit_of(&self, phase: Phase, context: &Context) -> Duration {
        let rtt = self.connections.active.as_ref().and_then(|active| active.liveness.probes.rtt);
        context.peer_limit(phase, self.remote.role(), self.repair.rebuilds, rtt)
    }

    pub(crate) fn state(&self) -> Option<RepairState> {
        self.repair.outage.as_ref().map(|outage| outage.state)
    }

    /// Asks the strategy what to do next and does it, now or after its pause.
    pub(crate) fn next_step(&mut self, context: &mut Context) {
        if self.repair.outage.is_none() {
            return;
        }
        if !context.network_usable() {
            return self.enter(RepairState::NoNetwork, None, context);
        }
        let step = self.ask(context);
        match step {
            RecoveryStep::Wait => self.wait(context),
            RecoveryStep::GiveUp => self.sleep(context),
            RecoveryStep::ReconnectSignaling => self.ask_signaling(context),
            RecoveryStep::MoveToSpare if self.spare_state(context) == Spare::Ready => {
                self.pause_before(step, context);
            }
            // a strategy that asks for what is not there
            RecoveryStep::MoveToSpare => self.pause_before(RecoveryStep::RecreatePeerConnection, context),
            RecoveryStep::RestartIce
            | RecoveryStep::RestartIceViaRelay
            | RecoveryStep::RecreatePeerConnection => {
                if self.can_negotiate(context) {
                    return self.pause_before(self.negotiable(step, context), context);
                }
                if context.signaling_ready {
                    return self.enter(RepairState::NoAddress, None, context);
                }
                context.signaling_suspect = true;
                self.enter(RepairState::NoSignaling, None, context);
            }
        }
    }

    /// Shows the outage, if there is one, as a strategy sees it.
    pub(crate) fn with_incident<T>(
        &self,
        context: &Context,
        ask: impl FnOnce(&RecoveryContext<'_>) -> T,
    ) -> Option<T> {
        let outage = self.repair.outage.as_ref()?;
        let unknown = NetworkSnapshot::default();
        let network = context.network.as_ref().unwrap_or(&unknown);
        let active = self.connections.active.as_ref();
        Some(ask(&RecoveryContext {
            tried: &outage.tried,
            elapsed: context.now.saturating_duration_since(outage.detected_at),
            silent_for: active
                .map_or(Duration::MAX, |a| a.liveness.probes.silent_for(self.health.up_since, context.now)),
            bytes_in_flight: active.map_or(0, |active| active.bytes_outstanding()),
            ice: active.map(|active| active.ice),
            signaling_open: context.signaling_ready,
            channel_open: active.is_some_and(|active| active.channel_open),
            address_known: self.remote.address.is_some() || self.channel_is_live(),
            relay_available: context.relay_available(),
            peer_restarts_ice: self.remote.is_rejoin().then_some(true),
            peer_hedges: self.hedges(),
            spare: self.spare_state(context),
            quality: self.quality.quality(),
            rtt: active.and_then(|active| active.liveness.probes.rtt),
            ..RecoveryContext::new(self.remote.role(), &outage.fault, network)
        }))
    }

    fn ask(&self, context: &Context) -> RecoveryStep {
        let active = self.connections.active.as_ref();
        let first = |incident: &RecoveryContext<'_>| {
            *incident.fault == Fault::NotConnected && incident.tried.is_empty() && active.is_none()
        };
        let step = self.with_incident(context, |incident| {
            if first(incident) {
                RecoveryStep::RecreatePeerConnection
            } else {
                context.policies.recovery.next_step(incident)
            }
        });
        let Some(step) = step else { return RecoveryStep::Wait };
        match step {
            // what is gone can neither heal nor be restarted
            RecoveryStep::Wait | RecoveryStep::RestartIce | RecoveryStep::RestartIceViaRelay
                if active.is_none() =>
            {
                RecoveryStep::RecreatePeerConnection
            }
            // a stranger does not know us by a new address, and would not hear the request
            RecoveryStep::RestartIce | RecoveryStep::RestartIceViaRelay
                if self.remote.role() == Role::Answerer
                    && !self.remote.is_rejoin()
                    && !self.is_known_by_address(context) =>
            {
                RecoveryStep::RecreatePeerConnection
            }
            RecoveryStep::Wait
            | RecoveryStep::MoveToSpare
            | RecoveryStep::RestartIce
            | RecoveryStep::RestartIceViaRelay
            | RecoveryStep::RecreatePeerConnection
            | RecoveryStep::ReconnectSignaling
            | RecoveryStep::GiveUp => step,
        }
    }

    /// The pause before a step: none for the first repair of an outage, the policy's before a repeated rebuild.
    ///
    /// What breaks as soon as it is verified repeats its first repair for ever, so the budget paces that too.
    pub(crate) fn pause_before(&mut self, step: RecoveryStep, context: &mut Context) {
        let repeated = step == RecoveryStep::RecreatePeerConnection && self.repair.rebuilds > 0;
        let pause = match (&self.repair.outage, repeated) {
            (Some(outage), true) => {
                let elapsed = context.now.saturating_duration_since(outage.detected_at);
                let fault = outage.fault.clone();
                let retry = BackoffContext {
                    elapsed,
                    previous: self.repair.previous_delay,
                    ..BackoffContext::new(Link::Peer, self.repair.rebuilds - 1, &fault)
                };
                context.pause(retry)
            }
            (Some(outage), false) if self.flaps(outage, context) => Some(context.spend()),
            (Some(_) | None, _) => Some(Duration::ZERO),
        };
        let Some(pause) = pause else {
            // retries are spent, yet what is under way may still succeed
            if !self.goes_on_alone() {
                self.sleep(context);
            }
            return;
        };
        if repeated {
            self.repair.previous_delay = Some(pause);
        }
        if let Some(outage) = &self.repair.outage {
            let attempt = u32::try_from(outage.tried.len()).unwrap_or(u32::MAX);
            let (link, fault) = (self.remote.name(), outage.fault.clone());
            context.event(Event::Repairing { link, fault, step, attempt, after: pause });
        }
        if pause.is_zero() {
            return self.perform(step, context);
        }
        self.enter(RepairState::Backoff(step), None, context);
        context.timers.set(Timer::Repair(self.remote.key.clone()), context.now, pause);
    }

    /// Returns whether the link broke before it had proven its health, and nothing around it had moved.
    fn flaps(&self, outage: &Outage, context: &Context) -> bool {
        let proven = context.peer_limit(Phase::StableAfter, self.remote.role(), 0, None);
        let at_once = outage.detected_at.saturating_duration_since(self.health.up_since) < proven;
        let moved = outage.anew || outage.fault.is_change();
        self.health.ever_up && at_once && !moved && outage.tried.is_empty()
    }

    /// Begins a step: a new connection beside the mild step that is under way, anything else in its place.
    pub(crate) fn begin(&mut self, step: RecoveryStep, context: &mut Context) {
        context.timers.clear(&Timer::HeadStart(self.remote.key.clone()));
        let hedges = step == RecoveryStep::RecreatePeerConnection && self.hedges();
        if let Some(outage) = &mut self.repair.outage {
            if hedges && outage.step().is_some_and(RecoveryStep::keeps_connection) {
                outage.hedge(step, context.now);
            } else {
                outage.begin(step, context.now);
            }
        }
    }

    pub(crate) fn drop_candidate(&mut self, context: &mut Context) {
        if self.channel_is_live() {
            return self.withdraw_candidate(context);
        }
        if let Some(candidate) = self.connections.candidate.take() {
            self.connections.close(candidate, context);
        }
    }

    /// The step under way came to nothing: back to what still looks alive, or on to the next step.
    pub(crate) fn step_ended(&mut self, outcome: Outcome, context: &mut Context) {
        let moved = self.moves_to_spare();
        // beside a spare nobody has had the time to doubt the old connection
        let had_candidate = self.connections.candidate.is_some() && !moved;
        self.drop_candidate(context);
        // a failed candidate leaves the old connection, which may have come back meanwhile
        if had_candidate && self.connections.active.as_ref().is_some_and(|active| active.looks_alive()) {
            return self.return_to_the_old(outcome, context);
        }
        if let Some(outage) = &mut self.repair.outage {
            outage.end_step(outcome, context.now);
        }
        if had_candidate
            && self.connections.active.is_none()
            && self.remote.role() == Role::Answerer
            && !self.remote.is_rejoin()
        {
            // a foreign publisher may believe in what has failed here, and would ignore the next `play`
            context.send_bye(self.remote.address.as_ref());
        }
        self.next_step(context);
    }

    /// The current wait is over.
    pub(crate) fn repair_due(&mut self, context: &mut Context) {
        let Some(state) = self.state() else { return };
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

    /// The signaling link takes messages again: go on where it was missed, touch nothing that lives.
    pub(crate) fn signaling_ready(&mut self, context: &mut Context) {
        match self.state() {
            Some(RepairState::NoSignaling | RepairState::Deciding) => {
                // the time without a socket was pause enough
                self.repair.rebuilds = 0;
                self.repair.previous_delay = None;
                self.next_step(context);
            }
            Some(RepairState::AskingSignaling) => self.step_ended(Outcome::Failed, context),
            Some(RepairState::Dormant) => self.start_over(context),
            // the socket that took the request is gone
            Some(RepairState::AwaitingOffer) => self.ask_for_offer(context),
            Some(RepairState::RestartRequested) => self.request_restart(context),
            Some(RepairState::Handshake(_) | RepairState::Checking(_)) => self.resend_negotiation(context),
            // the old path on_activity while there was nobody to ask
            Some(RepairState::Verifying(_)) if self.waits_for_the_old() => self.next_step(context),
            Some(
                RepairState::NoNetwork
                | RepairState::NoAddress
                | RepairState::Grace
                | RepairState::Backoff(_)
                | RepairState::Gathering(_)
                | RepairState::Securing(_)
                | RepairState::Verifying(_),
            ) => {}
            None => self.announce_address(context),
        }
    }

    /// The signaling socket that was asked for a sign of life gave one: the trouble is elsewhere.
    pub(crate) fn signaling_proven(&mut self, context: &mut Context) {
        if self.state() == Some(RepairState::AskingSignaling) {
            self.step_ended(Outcome::Failed, context);
        }
    }

    /// The network is there again, or another one, or the application asks: no pause, no grace.
    pub(crate) fn repair_now(&mut self, fault: Fault, context: &mut Context) {
        if self.open_outage(fault, context) {
            return self.next_step(context);
        }
        if self.moves_to_spare() {
            // a switch comes in pieces: the carrier goes first, and the address follows
            return;
        }
        self.drop_candidate(context);
        if self.remote.implicit && context.network_usable() {
            self.start_expiry(context);
        }
        self.start_over(context);
    }

    /// Forgets what was tried, for things have changed since, and tries at once.
    fn start_over(&mut self, context: &mut Context) {
        self.repair.rebuilds = 0;
        self.repair.previous_delay = None;
        if let Some(outage) = &mut self.repair.outage {
            outage.end_step(Outcome::Superseded, context.now);
            outage.tried.clear();
            outage.anew = true;
        }
        self.next_step(context);
    }

    /// No network is left: hold the link as wanted, and build nothing into nowhere.
    pub(crate) fn network_lost(&mut self, context: &mut Context) {
        self.open_outage(Fault::NetworkLost, context);
        self.drop_candidate(context);
        self.drop_spare(context);
        context.timers.clear(&Timer::Gone(self.remote.key.clone()));
        self.enter(RepairState::NoNetwork, None, context);
    }
}
