//! Connectivity with one peer: a connection that works, whatever has to be repaired for it.
//!
//! It combines the connections of a link with their repair. What goes over the connection is the link's concern.

mod negotiation;
mod repair;

use std::time::{Duration, Instant};

use crate::fault::{Fault, Phase};
use crate::ice::IceConnectionState;
use crate::id::Generation;
use crate::network::NetworkChange;
use crate::peer::connections::Connections;
use crate::peer::connections::spare::{self, SpareOutcome};
use crate::peer::health::{Checkup, LinkHealth};
use crate::peer::quality::QualityTracker;
use crate::peer::remote::RemotePeer;
use crate::peer::repair::Repair;
use crate::peer::repair_state::RepairState;
use crate::policy::{Outcome, RecoveryStep};
use crate::port::{PeerAction, PeerEvent};
use crate::stats::Sample;
use crate::supervisor::context::{Context, SHORTEST_WAIT};
use crate::supervisor::timers::Timer;

/// How often a verification pings: often enough to cost no more than a tenth of a second.
const VERIFICATION_INTERVAL: Duration = Duration::from_millis(100);

/// How often a link in its grace is pinged; each unanswered ping stays in SCTP's queue.
const GRACE_INTERVAL: Duration = Duration::from_secs(1);

/// The peer, the connections to it, and their repair.
#[derive(Debug)]
pub(crate) struct Connectivity {
    pub(crate) remote: RemotePeer,
    pub(crate) connections: Connections,
    pub(crate) repair: Repair,
    pub(crate) health: LinkHealth,
    pub(crate) quality: QualityTracker,
}

impl Connectivity {
    /// Creates the connectivity with a peer to which there is no connection yet.
    pub(crate) fn new(remote: RemotePeer, now: Instant) -> Self {
        Self {
            remote,
            connections: Connections::default(),
            repair: Repair::new(now),
            health: LinkHealth::new(now),
            quality: QualityTracker::new(now),
        }
    }

    /// Returns whether no outage is open.
    pub(crate) fn is_up(&self) -> bool {
        self.repair.outage.is_none()
    }

    /// Returns whether a rejoin peer receives what we send over the active channel: a dead one delivers it late.
    pub(crate) fn channel_is_live(&self) -> bool {
        let Some(active) = self.connections.active.as_ref().filter(|active| active.looks_alive()) else {
            return false;
        };
        let trusted = match &self.repair.outage {
            None => !self.health.suspect,
            Some(outage) => outage.trusts_channel(active.liveness.probes.last_received),
        };
        self.remote.is_rejoin() && trusted
    }

    /// The ICE state of a connection has changed.
    pub(crate) fn on_ice_state(
        &mut self,
        generation: Generation,
        ice: IceConnectionState,
        context: &mut Context,
    ) {
        let Some(connection) = self.connections.by_generation_mut(generation) else { return };
        connection.ice = ice;
        let channel_open = connection.channel_open;
        match ice {
            IceConnectionState::Connected | IceConnectionState::Completed => {
                if self.repair.state() != Some(RepairState::Checking(generation)) {
                    self.on_activity(generation, context);
                } else if channel_open {
                    self.verify(generation, context);
                } else {
                    self.enter(RepairState::Securing(generation), Some(Phase::DataChannelOpen), context);
                }
            }
            IceConnectionState::Disconnected => {
                if !self.connections.is_candidate(generation) {
                    self.open_outage(Fault::IceDisconnected, context).then(|| self.next_step(context));
                }
            }
            IceConnectionState::Failed => self.on_connection_failed(generation, Fault::IceFailed, context),
            IceConnectionState::New | IceConnectionState::Checking | IceConnectionState::Closed => {}
        }
    }

    /// The channel closed, or the transport gave the connection up.
    pub(crate) fn on_channel_closed(&mut self, generation: Generation, fault: Fault, context: &mut Context) {
        if let Some(connection) = self.connections.by_generation_mut(generation) {
            connection.channel_open = false;
        }
        self.on_connection_failed(generation, fault, context);
    }

    /// A connection is beyond repair, or beyond any but an ICE restart.
    fn on_connection_failed(&mut self, generation: Generation, fault: Fault, context: &mut Context) {
        if self.connections.is_candidate(generation) {
            return self.step_ended(Outcome::Failed, context);
        }
        let restartable = fault == Fault::IceFailed;
        if self.open_outage(fault, context) {
            return self.next_step(context);
        }
        if self.repair.state().is_some_and(|state| state.ends_with(generation, restartable)) {
            self.step_ended(Outcome::Failed, context);
        }
    }

    /// Demands proof of this connection: a ping and its pong.
    pub(crate) fn verify(&mut self, generation: Generation, context: &mut Context) {
        self.enter(RepairState::Verifying(generation), Some(Phase::Verification), context);
        self.on_verification_timer(context);
    }

    /// The next ping of a verification or a grace is due.
    pub(crate) fn on_verification_timer(&mut self, context: &mut Context) {
        let interval = match self.repair.state() {
            Some(RepairState::Verifying(generation)) => {
                if let Some(connection) = self.connections.by_generation_mut(generation) {
                    connection.ping(context);
                    if !connection.liveness.answers_pings {
                        context.peer(generation, PeerAction::ReadStats);
                    }
                }
                VERIFICATION_INTERVAL
            }
            Some(RepairState::Grace) => {
                let Some(active) = &mut self.connections.active else { return };
                active.ping(context);
                GRACE_INTERVAL
            }
            Some(_) | None => return,
        };
        context.timers.set(Timer::Verification(self.remote.key.clone()), context.now, interval);
    }

    /// The active connection shows life while the repair waits: a verification is the mildest repair.
    pub(crate) fn on_activity(&mut self, generation: Generation, context: &mut Context) {
        let active = self.connections.active.as_ref();
        let alive = active.is_some_and(|one| one.generation == generation && one.looks_alive());
        // a path whose proof has just failed is not asked again: bytes may go one way only
        if !alive || self.repair.is_disproved() || !self.repair.lacks_path() {
            return;
        }
        if self.repair.state().is_some_and(RepairState::is_idle) {
            if self.repair.is_hedged() {
                self.repair.give_way(Outcome::Superseded, context.now);
            } else {
                self.begin_unless_under_way(RecoveryStep::Wait, context);
            }
            self.verify(generation, context);
        } else if self.repair.may_keep_active(&self.remote, &self.connections) {
            self.connections.ask_active(GRACE_INTERVAL, context);
        }
    }

    /// The data channel of a connection is open, and our hello is sent.
    pub(crate) fn on_channel_open(&mut self, generation: Generation, context: &mut Context) {
        if self.repair.state().and_then(RepairState::generation) == Some(generation) {
            self.verify(generation, context);
        } else {
            self.on_activity(generation, context);
        }
    }

    /// Handles what the transport reports about the spare; returns whether our hello is due on it.
    pub(crate) fn on_spare_event(
        &mut self,
        generation: Generation,
        event: PeerEvent,
        context: &mut Context,
    ) -> bool {
        let outcome = self.connections.on_spare_event(event, &self.remote, context);
        match outcome {
            Some(SpareOutcome::Failed) => {
                let live = self.channel_is_live();
                self.connections.on_spare_failed(&self.remote, live, context);
            }
            Some(SpareOutcome::PeerMoved) => self.follow(generation, context),
            Some(SpareOutcome::Opened) | None => {}
        }
        outcome == Some(SpareOutcome::Opened)
    }

    // ---- proof: an answered ping sent after the fault ends an outage, a state that says connected does not

    /// Returns whether the answer to a ping proves that a connection works.
    pub(crate) fn is_proof(&self, generation: Generation, sent_at: Instant) -> bool {
        let connection = self.connections.by_generation(generation);
        connection.is_some_and(|connection| sent_at >= connection.path_since)
            && self.repair.accepts(generation, sent_at, &self.remote, &self.connections)
    }

    /// Returns whether the SCTP of a peer that answers no pings has acknowledged one, so that bytes went both ways.
    pub(crate) fn is_proven_without_pong(&self, generation: Generation, now: Instant) -> bool {
        let (Some(detected_at), Some(connection)) =
            (self.repair.detected_at(), self.connections.by_generation(generation))
        else {
            return false;
        };
        // a former rejoin peer most likely still is one, and then its hello and its pong are on their way
        let factor = if self.remote.is_rejoin() { 5 } else { 1 };
        let since = detected_at.max(connection.path_since);
        self.repair.state() == Some(RepairState::Verifying(generation))
            && connection.liveness.is_acknowledged(since, VERIFICATION_INTERVAL * factor, now)
    }

    /// Returns whether the offerer may be choosing the other connection, so that proof of this one does not decide.
    pub(crate) fn awaits_offerer(&self, generation: Generation, now: Instant) -> bool {
        self.repair.offerer_may_choose_other(generation, &self.remote, &self.connections, now)
    }

    /// Makes a proven connection the active one and closes the others; returns whether it is new.
    pub(crate) fn keep(&mut self, generation: Generation, context: &mut Context) -> bool {
        let is_new = self.connections.is_candidate(generation);
        if is_new {
            let moved = self.repair.moves_to_spare(&self.connections);
            self.connections.promote_candidate(moved, &self.remote, context);
        }
        self.connections.withdraw_candidate(&self.remote, context);
        is_new
    }

    /// Looks after the quality of a link that is up by a new sample, and after its spare.
    pub(crate) fn grade(&mut self, generation: Generation, sample: Sample, context: &mut Context) {
        if self.connections.is_candidate(generation) || !self.is_up() {
            return;
        }
        let live = self.channel_is_live();
        self.connections.open_spare(&self.remote, live, context);
        if self.quality.on_stats(sample, self.remote.name(), context) {
            self.on_fault(Fault::QualityPoor, context);
        }
    }

    /// Examines a link that is up, and opens an outage if it is dead.
    pub(crate) fn check_health(&mut self, context: &mut Context) -> Checkup {
        let Some(active) = self.connections.active.as_mut().filter(|_| self.repair.outage.is_none()) else {
            return Checkup::Unchanged;
        };
        let checkup = self.health.check(active, &self.remote.key, context);
        if checkup == Checkup::Dead {
            self.on_fault(Fault::ProbeUnanswered, context);
        }
        checkup
    }

    /// Asks for a stats sample, if the quality policy wants any.
    pub(crate) fn read_stats(&mut self, context: &mut Context) {
        let Some(interval) = context.policies.quality.interval().filter(|_| self.is_up()) else { return };
        if let Some(active) = &self.connections.active {
            context.peer(active.generation, PeerAction::ReadStats);
        }
        let timer = Timer::Stats(self.remote.key.clone());
        context.timers.set(timer, context.now, interval.max(SHORTEST_WAIT));
    }

    /// It is time to look after the spare.
    pub(crate) fn on_spare_timer(&mut self, context: &mut Context) {
        if self.is_up() {
            let live = self.channel_is_live();
            self.connections.on_spare_timer(&self.remote, live, context);
        }
    }

    /// The network has changed: a spare without its uplink is closed, and another may be possible.
    pub(crate) fn on_network_change(&mut self, change: NetworkChange, context: &mut Context) {
        if self.connections.spare_lost_uplink(change, context) {
            let live = self.channel_is_live();
            self.connections.close_lost_spare(&self.remote, live, context);
        }
        if self.is_up() && context.network.is_some() {
            spare::schedule(&self.remote.key, context);
        }
    }

    /// Returns whether a switch to the default route changes nothing for this link: it is there already.
    pub(crate) fn is_on_the_default_route(&self, context: &Context) -> bool {
        self.connections.uses_default_route(context) && self.is_up() && self.remote.keeps_spare(context)
    }

    fn drop_spare(&mut self, context: &mut Context) {
        let live = self.channel_is_live();
        self.connections.drop_spare(&self.remote, live, context);
    }

    /// Closes every connection.
    pub(crate) fn close_connections(&mut self, context: &mut Context) {
        let live = self.channel_is_live();
        self.connections.close_all(&self.remote, live, context);
    }

    // ---- what changes around the link

    /// The signaling link takes messages again: go on where it was missing, touch nothing that lives.
    pub(crate) fn on_signaling_ready(&mut self, context: &mut Context) {
        match self.repair.state() {
            Some(RepairState::NoSignaling | RepairState::Deciding) => {
                // the time without a socket was pause enough
                self.repair.reset_pace();
                self.next_step(context);
            }
            Some(RepairState::AskingSignaling) => self.step_ended(Outcome::Failed, context),
            Some(RepairState::Dormant) => self.start_over(context),
            // the socket that took the request is gone
            Some(RepairState::AwaitingOffer) => self.request_offer(context),
            Some(RepairState::RestartRequested) => self.connections.request_restart(&self.remote, context),
            Some(RepairState::Handshake(generation) | RepairState::Checking(generation)) => {
                self.resend_negotiation(generation, context);
            }
            // the active connection showed life while the peer could not be asked
            Some(RepairState::Verifying(_)) if self.repair.waits_for_active(&self.connections) => {
                self.next_step(context);
            }
            Some(
                RepairState::NoNetwork
                | RepairState::NoAddress
                | RepairState::Grace
                | RepairState::Backoff(_)
                | RepairState::Gathering(_)
                | RepairState::Securing(_)
                | RepairState::Verifying(_),
            ) => {}
            None => {}
        }
    }

    /// The signaling socket has answered the probe that this repair waits for: the fault is elsewhere.
    pub(crate) fn on_signaling_proven(&mut self, context: &mut Context) {
        if self.repair.state() == Some(RepairState::AskingSignaling) {
            self.step_ended(Outcome::Failed, context);
        }
    }

    /// The network is back, or another one, or the application asks: repair without pause or grace.
    pub(crate) fn repair_now(&mut self, fault: Fault, context: &mut Context) {
        if self.open_outage(fault, context) {
            return self.next_step(context);
        }
        if self.repair.moves_to_spare(&self.connections) {
            // a switch comes in pieces: the carrier goes first, and the address follows
            return;
        }
        self.drop_candidate(context);
        if self.remote.implicit && context.network_usable() {
            self.remote.start_expiry(context);
        }
        self.start_over(context);
    }

    fn start_over(&mut self, context: &mut Context) {
        self.repair.start_over(context.now);
        self.next_step(context);
    }

    /// No network is left: keep the link as wanted, and build nothing.
    pub(crate) fn on_network_lost(&mut self, context: &mut Context) {
        self.open_outage(Fault::NetworkLost, context);
        self.drop_candidate(context);
        self.drop_spare(context);
        context.timers.clear(&Timer::Gone(self.remote.key.clone()));
        self.enter(RepairState::NoNetwork, None, context);
    }
}
