//! Proof: a repair has succeeded when a ping sent after the fault has been answered, not when a state says connected.

use std::time::Duration;

use crate::fault::{Fault, Phase};
use crate::ice::IceConnectionState;
use crate::id::Generation;
use crate::output::{Event, Warning};
use crate::peer::link::PeerLink;
use crate::peer::outage::RepairState;
use crate::policy::{Outcome, Probe, RecoveryStep};
use crate::port::PeerAction;
use crate::supervisor::Timer;
use crate::supervisor::context::Context;

/// How often a verification pings: fine enough to owe nobody a tenth of a second.
const VERIFICATION_PACE: Duration = Duration::from_millis(100);
/// How often a link in its grace is asked; each unanswered ping stays in SCTP's queue, so be sparing.
pub(crate) const GRACE_PACE: Duration = Duration::from_secs(1);

impl PeerLink {
    /// Demands proof of this connection: a ping and its pong.
    pub(crate) fn verify(&mut self, generation: Generation, context: &mut Context) {
        self.enter(RepairState::Verifying(generation), Some(Phase::Verification), context);
        self.verification_due(context);
    }

    pub(crate) fn verify_active(&mut self, context: &mut Context) {
        if let Some(active) = &self.connections.active {
            self.verify(active.generation, context);
        }
    }

    /// The next ping of a verification or a grace is due.
    pub(crate) fn verification_due(&mut self, context: &mut Context) {
        match self.state() {
            Some(RepairState::Verifying(generation)) => {
                if let Some(connection) = self.connections.by_generation_mut(generation) {
                    connection.ping(context);
                    if !connection.liveness.answers_pings {
                        context.peer(generation, PeerAction::ReadStats);
                    }
                }
                context.timers.set(
                    Timer::Verification(self.remote.key.clone()),
                    context.now,
                    VERIFICATION_PACE,
                );
            }
            Some(RepairState::Grace) => self.ping_active(GRACE_PACE, context),
            Some(_) | None => {}
        }
    }

    /// Returns whether a new connection, whose pings wait for their answers, has a path that lives.
    ///
    /// SCTP sends again what was lost, sooner than another connection would get as far.
    pub(crate) fn may_yet_answer(&self, generation: Generation, limit: Duration, context: &Context) -> bool {
        let Some(candidate) = self.connections.candidate.as_ref().filter(|one| one.generation == generation)
        else {
            return false;
        };
        let age = |at| context.now.saturating_duration_since(at);
        let lives = candidate.liveness.consent.since.is_some_and(|at| age(at) < limit);
        lives
            && candidate.liveness.probes.unanswered_for(context.now)
                < self.limit_of(Phase::DataChannelOpen, context)
    }

    pub(crate) fn ping_active(&mut self, pace: Duration, context: &mut Context) {
        if let Some(active) = &mut self.connections.active {
            active.ping(context);
            context.timers.set(Timer::Verification(self.remote.key.clone()), context.now, pace);
        }
    }

    /// Notes a pong: proof, if its ping left after the fault and no more than an offer is on its way to replace the path.
    pub(crate) fn pong(&mut self, generation: Generation, number: u64, context: &mut Context) {
        let now = context.now;
        let Some(connection) = self.connections.by_generation_mut(generation) else { return };
        let Some(sent_at) = connection.liveness.probes.answered(number, now) else { return };
        let about_this_path = sent_at >= connection.path_since;
        connection.liveness.answers_pings = true;
        match &self.repair.outage {
            None => self.checkup(context),
            // a candidate is younger than what broke, so any answer on it is proof
            Some(outage) if sent_at >= outage.detected_at || self.connections.is_candidate(generation) => {
                let newest =
                    self.connections.newest_first().next().is_some_and(|one| one.generation == generation);
                if about_this_path && (newest || self.may_keep_the_old()) {
                    self.proven(generation, context);
                }
            }
            Some(_) => {}
        }
    }

    /// For a peer that answers no pings: its SCTP has acknowledged one, so bytes went both ways.
    pub(crate) fn proof_without_pong(&mut self, generation: Generation, context: &mut Context) {
        if self.state() != Some(RepairState::Verifying(generation)) {
            return;
        }
        // who was a rejoin peer most likely still is, and then its hello and its pong are on their way
        let patience = if self.remote.is_rejoin() { VERIFICATION_PACE * 5 } else { VERIFICATION_PACE };
        let Some(detected_at) = self.repair.outage.as_ref().map(|outage| outage.detected_at) else { return };
        let proven = self.connections.by_generation_mut(generation).is_some_and(|connection| {
            if connection.liveness.answers_pings {
                return false;
            }
            let since = detected_at.max(connection.path_since);
            // a reading may be as old as its request: no younger ping is in it for certain
            let counted = |ping: &Probe| {
                ping.sent_at >= since && context.now.saturating_duration_since(ping.sent_at) >= patience
            };
            let nothing_due =
                connection.liveness.outstanding.is_some_and(|(bytes, at)| bytes == 0 && at >= since);
            nothing_due && connection.liveness.probes.log().iter().any(counted)
        });
        if proven {
            self.proven(generation, context);
        }
    }

    /// Bytes went both ways: the connection is in use and the outage is over.
    pub(crate) fn verified(&mut self, generation: Generation, context: &mut Context) {
        let is_new = self.connections.is_candidate(generation);
        let asked = self.state() == Some(RepairState::AwaitingOffer);
        self.repair.asked_in_vain = asked.then_some(context.now);
        if is_new {
            let moved = self.moves_to_spare();
            if let Some(old) =
                std::mem::replace(&mut self.connections.active, self.connections.candidate.take())
            {
                if moved {
                    self.say_withdrawn(old.session.clone(), context);
                }
                self.connections.close(old, context);
            }
            self.move_mail();
        }
        self.withdraw_candidate(context);
        let Some(mut outage) = self.repair.outage.take() else { return };
        if !is_new && !outage.step().is_some_and(RecoveryStep::keeps_connection) {
            // a late pong between two steps, or beside a new connection: the link healed by itself
            outage.give_way(Outcome::Superseded, context.now);
        }
        context.timers.clear_peer(&self.remote.key);
        self.grade_anew(context);
        self.repair.rebuilds = 0;
        self.repair.previous_delay = None;
        self.health.up_since = context.now;
        if std::mem::replace(&mut self.health.ever_up, true) {
            let recovery = outage.recovered(self.remote.name(), Some(self.peer()), context.now);
            context.event(Event::Recovered(recovery));
        } else {
            context.event(Event::Connected(self.peer()));
            if !self.delivers() {
                context.warn(Warning::BestEffort { peer: self.remote.key.clone() });
            }
        }
        self.trust();
        self.owe_acknowledgement(context);
        self.checkup(context);
        self.read_stats(context);
        self.flush(context);
        self.want_spare(context);
    }

    // ---- what the transport says while a repair is under way

    pub(crate) fn ice_changed(
        &mut self,
        generation: Generation,
        ice: IceConnectionState,
        context: &mut Context,
    ) {
        let Some(connection) = self.connections.by_generation_mut(generation) else { return };
        connection.ice = ice;
        let channel_open = connection.channel_open;
        match ice {
            IceConnectionState::Connected | IceConnectionState::Completed => match self.state() {
                Some(RepairState::Checking(waited)) if waited == generation => {
                    if channel_open {
                        self.verify(generation, context);
                    } else {
                        self.enter(RepairState::Securing(generation), Some(Phase::DataChannelOpen), context);
                    }
                }
                Some(_) | None => self.on_activity(generation, context),
            },
            IceConnectionState::Disconnected => {
                if !self.connections.is_candidate(generation) {
                    self.open_outage(Fault::IceDisconnected, context).then(|| self.next_step(context));
                }
            }
            IceConnectionState::Failed => self.connection_failed(generation, Fault::IceFailed, context),
            IceConnectionState::New | IceConnectionState::Checking | IceConnectionState::Closed => {}
        }
    }

    pub(crate) fn channel_opened(&mut self, generation: Generation, context: &mut Context) {
        let Some(connection) = self.connections.by_generation_mut(generation) else { return };
        connection.channel_open = true;
        self.announce(generation, context);
        match self.state() {
            Some(state) if state.generation() == Some(generation) => self.verify(generation, context),
            Some(_) | None => self.on_activity(generation, context),
        }
    }

    /// The channel closed, or the connection died without a word.
    pub(crate) fn channel_closed(&mut self, generation: Generation, fault: Fault, context: &mut Context) {
        if let Some(connection) = self.connections.by_generation_mut(generation) {
            connection.channel_open = false;
        }
        self.connection_failed(generation, fault, context);
    }

    /// The active connection shows life while we wait for something else: a verification is the mildest repair.
    pub(crate) fn on_activity(&mut self, generation: Generation, context: &mut Context) {
        let idle = match self.state() {
            Some(
                RepairState::Grace
                | RepairState::Backoff(_)
                | RepairState::NoNetwork
                | RepairState::NoSignaling
                | RepairState::NoAddress
                | RepairState::AskingSignaling
                | RepairState::RestartRequested
                | RepairState::AwaitingOffer,
            ) => true,
            Some(
                RepairState::Deciding
                | RepairState::Gathering(_)
                | RepairState::Handshake(_)
                | RepairState::Checking(_)
                | RepairState::Securing(_)
                | RepairState::Verifying(_)
                | RepairState::Dormant,
            )
            | None => false,
        };
        let alive =
            self.connections.active.as_ref().is_some_and(|a| a.generation == generation && a.looks_alive());
        // a path that just failed its proof has had its chance: bytes may flow one way only
        let disproved = self.repair.outage.as_ref().is_some_and(|outage| {
            outage.tried.last().is_some_and(|tried| tried.outcome == Outcome::Unverified)
        });
        if !alive || disproved || !self.lacks_a_path() {
            return;
        }
        if idle {
            match &mut self.repair.outage {
                Some(outage) if outage.is_hedged() => outage.give_way(Outcome::Superseded, context.now),
                Some(_) | None => self.begin_unless_under_way(RecoveryStep::Wait, context),
            }
            self.verify(generation, context);
        } else if self.may_keep_the_old() {
            self.ask_the_old(GRACE_PACE, context);
        }
    }

    /// Returns whether all that is under way is the proof of a path that showed life by itself.
    pub(crate) fn waits_for_the_old(&self) -> bool {
        let waits =
            self.repair.outage.as_ref().is_some_and(|outage| outage.step() == Some(RecoveryStep::Wait));
        waits && self.connections.candidate.is_none()
    }

    /// Asks the active connection, beside a repair that has only begun, whether it works after all.
    pub(crate) fn ask_the_old(&mut self, pace: Duration, context: &mut Context) {
        let lacks_a_path = self.lacks_a_path();
        if let Some(active) =
            self.connections.active.as_mut().filter(|active| lacks_a_path && active.looks_alive())
        {
            let last = active.liveness.probes.log().last().map(|probe| probe.sent_at);
            let about_this_path = last.filter(|at| *at >= active.path_since);
            if about_this_path.is_none_or(|at| context.now.saturating_duration_since(at) >= pace) {
                active.ping(context);
            }
        }
    }

    /// Returns whether any path that works ends the outage; not if one is to be replaced although it works.
    pub(crate) fn lacks_a_path(&self) -> bool {
        self.repair
            .outage
            .as_ref()
            .is_some_and(|outage| !matches!(outage.fault, Fault::QualityPoor | Fault::Requested))
    }

    /// This connection is beyond repair, or beyond any but a restart of ICE.
    pub(crate) fn connection_failed(&mut self, generation: Generation, fault: Fault, context: &mut Context) {
        if self.connections.is_candidate(generation) {
            return self.step_ended(Outcome::Failed, context);
        }
        let restartable = fault == Fault::IceFailed;
        if self.open_outage(fault, context) {
            return self.next_step(context);
        }
        let concerned = match self.state() {
            Some(RepairState::Grace) => true,
            Some(
                RepairState::Checking(waited)
                | RepairState::Securing(waited)
                | RepairState::Verifying(waited),
            ) => waited == generation,
            // a restart that is under way is the answer to failed ICE, and to nothing worse
            Some(RepairState::Gathering(waited) | RepairState::Handshake(waited)) => {
                waited == generation && !restartable
            }
            Some(RepairState::RestartRequested) => !restartable,
            Some(
                RepairState::Deciding
                | RepairState::NoNetwork
                | RepairState::NoSignaling
                | RepairState::NoAddress
                | RepairState::Backoff(_)
                | RepairState::AskingSignaling
                | RepairState::AwaitingOffer
                | RepairState::Dormant,
            )
            | None => false,
        };
        if concerned {
            self.step_ended(Outcome::Failed, context);
        }
    }
}
