//! The repairs of a peer link, one by one: what each `RecoveryStep` does as the offerer and as the answerer.

use std::time::Duration;

use crate::fault::{Link, Phase};
use crate::ice::{IceTransportPolicy, Role};
use crate::id::SessionId;
use crate::message::SignalingMessage;
use crate::output::Event;
use crate::peer::link::PeerLink;
use crate::peer::outage::RepairState;
use crate::peer::verification::GRACE_PACE;
use crate::policy::RecoveryStep;
use crate::port::PeerAction;
use crate::supervisor::Timer;
use crate::supervisor::context::Context;

impl PeerLink {
    /// Lets the link heal by itself, and asks it now and then whether it has.
    pub(crate) fn wait(&mut self, context: &mut Context) {
        self.begin(RecoveryStep::Wait, context);
        self.enter(RepairState::Grace, Some(Phase::DisconnectedGrace), context);
        self.ping_active(GRACE_PACE, context);
        self.give_head_start(RecoveryStep::Wait, context);
    }

    pub(crate) fn ask_signaling(&mut self, context: &mut Context) {
        self.begin(RecoveryStep::ReconnectSignaling, context);
        context.signaling_suspect = true;
        self.enter(RepairState::AskingSignaling, Some(Phase::SignalingPong), context);
    }

    pub(crate) fn perform(&mut self, step: RecoveryStep, context: &mut Context) {
        // what broke the peer's path may have broken the server's: a ping now finds a half-open socket soonest
        context.signaling_suspect |= self.health.ever_up;
        self.ask_the_old(Duration::ZERO, context);
        match step {
            RecoveryStep::RestartIce => self.restart_ice(step, IceTransportPolicy::All, context),
            RecoveryStep::RestartIceViaRelay => self.restart_ice(step, IceTransportPolicy::Relay, context),
            RecoveryStep::RecreatePeerConnection => self.recreate(context),
            RecoveryStep::MoveToSpare => self.move_to_spare(context),
            RecoveryStep::Wait | RecoveryStep::ReconnectSignaling | RecoveryStep::GiveUp => {
                self.next_step(context);
            }
        }
    }

    /// Restarts ICE as the offerer, or asks for it as the answerer.
    fn restart_ice(&mut self, step: RecoveryStep, policy: IceTransportPolicy, context: &mut Context) {
        let Some(active) = &mut self.connections.active else { return self.recreate(context) };
        let generation = active.generation;
        let role = self.remote.key.direction.role();
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
                self.request_restart(context);
                self.enter(RepairState::RestartRequested, Some(Phase::RestartRequest), context);
            }
        }
        self.give_head_start(step, context);
    }

    /// Builds a new connection as the offerer, or asks for an offer as the answerer.
    pub(crate) fn recreate(&mut self, context: &mut Context) {
        self.begin(RecoveryStep::RecreatePeerConnection, context);
        self.repair.rebuilds = self.repair.rebuilds.saturating_add(1);
        self.drop_candidate(context);
        self.part_with_strangers(context);
        match self.remote.role() {
            Role::Offerer => {
                let session = context.rng.session();
                self.create_candidate(SessionId(session.into()), context);
            }
            Role::Answerer => {
                self.ask_for_offer(context);
                self.enter(RepairState::AwaitingOffer, Some(Phase::OfferAnswer), context);
            }
        }
    }

    /// Ends the old connection with a peer that keeps one only, so that it is ended on both sides.
    fn part_with_strangers(&mut self, context: &mut Context) {
        if self.remote.is_rejoin() {
            return;
        }
        let Some(active) = self.take_active(context) else { return };
        match self.remote.role() {
            // a foreign viewer drops the old one when it sees a new session, and knows by this what to drop
            Role::Offerer => context.send_bye(self.remote.address.as_ref()),
            // a foreign publisher ignores a new `play` while it believes in the old one
            Role::Answerer => {
                context.send_to_server(SignalingMessage::Bye { address: self.remote.address.clone() })
            }
        }
        active.close(context);
    }

    /// Sleeps, its retries spent, until something changes.
    pub(crate) fn sleep(&mut self, context: &mut Context) {
        self.drop_candidate(context);
        self.drop_spare(context);
        if let Some(active) = self.connections.active.take() {
            active.close(context);
        }
        if let Some(outage) = &self.repair.outage {
            context.event(Event::Dormant { link: self.remote.name(), fault: outage.fault.clone() });
        }
        self.enter(RepairState::Dormant, None, context);
        let sleep = context.sleep(Link::Peer);
        context.timers.set(Timer::Repair(self.remote.key.clone()), context.now, sleep);
    }
}
