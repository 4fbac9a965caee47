//! How the repair of a peer link goes: asks the strategy, keeps the pauses, and moves on when a step has ended.

use std::time::Duration;

use crate::fault::{Fault, Link, Phase};
use crate::ice::Role;
use crate::network::NetworkSnapshot;
use crate::output::Event;
use crate::policy::{Incident, Outcome, RecoveryStep, Retry, Spare};
use crate::supervisor::Timer;
use crate::supervisor::desk::Desk;
use crate::supervisor::outage::{Outage, Progress};
use crate::supervisor::peer_link::PeerLink;

impl PeerLink {
    /// Opens an outage, or lets the one that is open know more, and decides what to do.
    pub(super) fn broke(&mut self, fault: Fault, desk: &mut Desk) {
        if self.open_outage(fault, desk) {
            self.next_step(desk);
        } else if self.outage.as_ref().is_some_and(|outage| outage.progress == Progress::Grace) {
            // a definite fault ends the grace
            self.step_ended(Outcome::Failed, desk);
        }
    }

    /// Opens an outage unless one is open; returns whether it did.
    pub(super) fn open_outage(&mut self, fault: Fault, desk: &mut Desk) -> bool {
        if let Some(outage) = &mut self.outage {
            if outage.fault == Fault::QualityPoor && fault != Fault::PeerRepairs {
                // what worked badly has ceased to work
                outage.fault = fault;
            }
            return false;
        }
        let silent_for = match &self.active {
            Some(active) if fault.is_silence() => active.probes.silent_for(self.up_since, desk.now),
            Some(_) | None => Duration::ZERO,
        };
        self.outage = Some(Outage::new(fault.clone(), silent_for, desk.now));
        self.rebuilds = 0;
        self.previous_delay = None;
        desk.timers.clear(&Timer::Checkup(self.key.clone()));
        desk.timers.clear(&Timer::Stats(self.key.clone()));
        if self.unnamed {
            self.start_patience(desk);
        }
        desk.event(Event::Interrupted { link: self.name(), fault, silent_for });
        true
    }

    /// Gives a peer that may be gone for good its time to come back.
    pub(super) fn start_patience(&self, desk: &mut Desk) {
        let phase = if self.is_rejoin() { Phase::PeerAway } else { Phase::PeerGone };
        let limit = desk.peer_limit(phase, self.role(), 0, None);
        desk.timers.set(Timer::Gone(self.key.clone()), desk.now, limit);
    }

    /// Moves the outage on, guarded by the limit of `phase` (or by the input that the progress names).
    pub(super) fn enter(&mut self, progress: Progress, phase: Option<Phase>, desk: &mut Desk) {
        let timer = Timer::Repair(self.key.clone());
        match phase {
            Some(phase) => desk.timers.set(timer, desk.now, self.limit_of(phase, desk)),
            None => desk.timers.clear(&timer),
        }
        desk.timers.clear(&Timer::Verification(self.key.clone()));
        if let Some(outage) = &mut self.outage {
            outage.enter(progress, desk.now);
        }
    }

    /// Returns how long `phase` may take on this path.
    pub(super) fn limit_of(&self, phase: Phase, desk: &Desk) -> Duration {
        let rtt = self.active.as_ref().and_then(|active| active.probes.rtt);
        desk.peer_limit(phase, self.role(), self.rebuilds, rtt)
    }

    pub(super) fn progress(&self) -> Option<Progress> {
        self.outage.as_ref().map(|outage| outage.progress)
    }

    /// Asks the strategy what to do next and does it, now or after its pause.
    pub(super) fn next_step(&mut self, desk: &mut Desk) {
        if self.outage.is_none() {
            return;
        }
        if !desk.network_usable() {
            return self.enter(Progress::NoNetwork, None, desk);
        }
        let step = self.ask(desk);
        match step {
            RecoveryStep::Wait => self.wait(desk),
            RecoveryStep::GiveUp => self.sleep(desk),
            RecoveryStep::ReconnectSignaling => self.ask_signaling(desk),
            RecoveryStep::MoveToSpare if self.spare_state(desk) == Spare::Ready => {
                self.pause_before(step, desk);
            }
            // a strategy that asks for what is not there
            RecoveryStep::MoveToSpare => self.pause_before(RecoveryStep::RecreatePeerConnection, desk),
            RecoveryStep::RestartIce
            | RecoveryStep::RestartIceViaRelay
            | RecoveryStep::RecreatePeerConnection => {
                if self.can_be_called(desk) {
                    return self.pause_before(self.negotiable(step, desk), desk);
                }
                if desk.signaling_ready {
                    return self.enter(Progress::NoRoute, None, desk);
                }
                desk.signaling_suspected = true;
                self.enter(Progress::NoSignaling, None, desk);
            }
        }
    }

    /// Shows the outage, if there is one, as a strategy sees it.
    pub(super) fn with_incident<T>(&self, desk: &Desk, ask: impl FnOnce(&Incident<'_>) -> T) -> Option<T> {
        let outage = self.outage.as_ref()?;
        let unknown = NetworkSnapshot::default();
        let network = desk.network.as_ref().unwrap_or(&unknown);
        let active = self.active.as_ref();
        Some(ask(&Incident {
            tried: &outage.tried,
            elapsed: desk.now.saturating_duration_since(outage.detected_at),
            silent_for: active.map_or(Duration::MAX, |a| a.probes.silent_for(self.up_since, desk.now)),
            bytes_in_flight: active.map_or(0, |active| active.bytes_outstanding()),
            ice: active.map(|active| active.ice),
            signaling_open: desk.signaling_ready,
            channel_open: active.is_some_and(|active| active.channel_open),
            route_known: self.route.is_some() || self.channel_works(),
            relay_available: desk.relay_available(),
            peer_restarts_ice: self.is_rejoin().then_some(true),
            peer_hedges: self.hedges(),
            spare: self.spare_state(desk),
            quality: self.grading.quality(),
            rtt: active.and_then(|active| active.probes.rtt),
            ..Incident::new(self.role(), &outage.fault, network)
        }))
    }

    fn ask(&self, desk: &Desk) -> RecoveryStep {
        let active = self.active.as_ref();
        let first = |incident: &Incident<'_>| {
            *incident.fault == Fault::NotConnected && incident.tried.is_empty() && active.is_none()
        };
        let step = self.with_incident(desk, |incident| {
            if first(incident) {
                RecoveryStep::RecreatePeerConnection
            } else {
                desk.policies.recovery.next_step(incident)
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
            // a stranger does not know us by a new route, and would not hear the request
            RecoveryStep::RestartIce | RecoveryStep::RestartIceViaRelay
                if self.role() == Role::Answerer && !self.is_rejoin() && !self.is_known_by_route(desk) =>
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
    pub(super) fn pause_before(&mut self, step: RecoveryStep, desk: &mut Desk) {
        let repeated = step == RecoveryStep::RecreatePeerConnection && self.rebuilds > 0;
        let pause = match (&self.outage, repeated) {
            (Some(outage), true) => {
                let elapsed = desk.now.saturating_duration_since(outage.detected_at);
                let fault = outage.fault.clone();
                let retry = Retry {
                    elapsed,
                    previous: self.previous_delay,
                    ..Retry::new(Link::Peer, self.rebuilds - 1, &fault)
                };
                desk.pause(retry)
            }
            (Some(outage), false) if self.flaps(outage, desk) => Some(desk.spend()),
            (Some(_) | None, _) => Some(Duration::ZERO),
        };
        let Some(pause) = pause else {
            // retries are spent, yet what is under way may still succeed
            if !self.goes_on_alone() {
                self.sleep(desk);
            }
            return;
        };
        if repeated {
            self.previous_delay = Some(pause);
        }
        if let Some(outage) = &self.outage {
            let attempt = u32::try_from(outage.tried.len()).unwrap_or(u32::MAX);
            let (link, fault) = (self.name(), outage.fault.clone());
            desk.event(Event::Repairing { link, fault, step, attempt, after: pause });
        }
        if pause.is_zero() {
            return self.perform(step, desk);
        }
        self.enter(Progress::Backoff(step), None, desk);
        desk.timers.set(Timer::Repair(self.key.clone()), desk.now, pause);
    }

    /// Returns whether the link broke before it had proven its health, and nothing around it had moved.
    fn flaps(&self, outage: &Outage, desk: &Desk) -> bool {
        let proven = desk.peer_limit(Phase::ProvenHealth, self.role(), 0, None);
        let at_once = outage.detected_at.saturating_duration_since(self.up_since) < proven;
        let moved = outage.anew || outage.fault.is_change();
        self.ever_up && at_once && !moved && outage.tried.is_empty()
    }

    /// Begins a step: a new connection beside the mild step that is under way, anything else in its place.
    pub(super) fn begin(&mut self, step: RecoveryStep, desk: &mut Desk) {
        desk.timers.clear(&Timer::HeadStart(self.key.clone()));
        let hedges = step == RecoveryStep::RecreatePeerConnection && self.hedges();
        if let Some(outage) = &mut self.outage {
            if hedges && outage.step().is_some_and(RecoveryStep::keeps_connection) {
                outage.hedge(step, desk.now);
            } else {
                outage.begin(step, desk.now);
            }
        }
    }

    pub(super) fn drop_candidate(&mut self, desk: &mut Desk) {
        if self.channel_works() {
            return self.withdraw_candidate(desk);
        }
        if let Some(candidate) = self.candidate.take() {
            self.let_go(candidate, desk);
        }
    }

    /// The step under way came to nothing: back to what still looks alive, or on to the next step.
    pub(super) fn step_ended(&mut self, outcome: Outcome, desk: &mut Desk) {
        let moved = self.moves_to_spare();
        // beside a spare nobody has had the time to doubt the old connection
        let had_candidate = self.candidate.is_some() && !moved;
        self.drop_candidate(desk);
        // a failed candidate leaves the old connection, which may have come back meanwhile
        if had_candidate && self.active.as_ref().is_some_and(|active| active.looks_alive()) {
            return self.return_to_the_old(outcome, desk);
        }
        if let Some(outage) = &mut self.outage {
            outage.end_step(outcome, desk.now);
        }
        if had_candidate && self.active.is_none() && self.role() == Role::Answerer && !self.is_rejoin() {
            // a foreign publisher may believe in what has failed here, and would ignore the next `play`
            desk.say_farewell(self.route.as_ref());
        }
        self.next_step(desk);
    }

    /// The current wait is over.
    pub(super) fn repair_due(&mut self, desk: &mut Desk) {
        let Some(progress) = self.progress() else { return };
        match progress {
            Progress::Backoff(step) => self.perform(step, desk),
            Progress::Dormant => self.start_over(desk),
            Progress::Verifying(generation) => {
                let limit = self.limit_of(Phase::Verification, desk);
                if self.may_yet_answer(generation, limit, desk) {
                    return desk.timers.set(Timer::Repair(self.key.clone()), desk.now, limit);
                }
                self.step_ended(Outcome::Unverified, desk);
            }
            Progress::Grace
            | Progress::AskingSignaling
            | Progress::RestartRequested
            | Progress::AwaitingOffer
            | Progress::Gathering(_)
            | Progress::Handshake(_)
            | Progress::Checking(_)
            | Progress::Securing(_) => self.step_ended(Outcome::TimedOut, desk),
            Progress::Deciding => self.next_step(desk),
            Progress::NoNetwork | Progress::NoSignaling | Progress::NoRoute => {}
        }
    }

    /// The signaling link takes messages again: go on where it was missed, touch nothing that lives.
    pub(super) fn signaling_ready(&mut self, desk: &mut Desk) {
        match self.progress() {
            Some(Progress::NoSignaling | Progress::Deciding) => {
                // the time without a socket was pause enough
                self.rebuilds = 0;
                self.previous_delay = None;
                self.next_step(desk);
            }
            Some(Progress::AskingSignaling) => self.step_ended(Outcome::Failed, desk),
            Some(Progress::Dormant) => self.start_over(desk),
            // the socket that took the request is gone
            Some(Progress::AwaitingOffer) => self.ask_for_offer(desk),
            Some(Progress::RestartRequested) => self.request_restart(desk),
            Some(Progress::Handshake(_) | Progress::Checking(_)) => self.tell_again(desk),
            // the old path stirred while there was nobody to ask
            Some(Progress::Verifying(_)) if self.waits_for_the_old() => self.next_step(desk),
            Some(
                Progress::NoNetwork
                | Progress::NoRoute
                | Progress::Grace
                | Progress::Backoff(_)
                | Progress::Gathering(_)
                | Progress::Securing(_)
                | Progress::Verifying(_),
            ) => {}
            None => self.announce_route(desk),
        }
    }

    /// The signaling socket that was asked for a sign of life gave one: the trouble is elsewhere.
    pub(super) fn signaling_proven(&mut self, desk: &mut Desk) {
        if self.progress() == Some(Progress::AskingSignaling) {
            self.step_ended(Outcome::Failed, desk);
        }
    }

    /// The network is there again, or another one, or the application asks: no pause, no grace.
    pub(super) fn repair_now(&mut self, fault: Fault, desk: &mut Desk) {
        if self.open_outage(fault, desk) {
            return self.next_step(desk);
        }
        if self.moves_to_spare() {
            // a switch comes in pieces: the carrier goes first, and the route follows
            return;
        }
        self.drop_candidate(desk);
        if self.unnamed && desk.network_usable() {
            self.start_patience(desk);
        }
        self.start_over(desk);
    }

    /// Forgets what was tried, for things have changed since, and tries at once.
    fn start_over(&mut self, desk: &mut Desk) {
        self.rebuilds = 0;
        self.previous_delay = None;
        if let Some(outage) = &mut self.outage {
            outage.end_step(Outcome::Superseded, desk.now);
            outage.tried.clear();
            outage.anew = true;
        }
        self.next_step(desk);
    }

    /// No network is left: hold the link as wanted, and build nothing into nowhere.
    pub(super) fn network_lost(&mut self, desk: &mut Desk) {
        self.open_outage(Fault::NetworkLost, desk);
        self.drop_candidate(desk);
        self.drop_spare(desk);
        desk.timers.clear(&Timer::Gone(self.key.clone()));
        self.enter(Progress::NoNetwork, None, desk);
    }
}
