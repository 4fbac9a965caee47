//! The repairs of a peer link, one by one: what each `RecoveryStep` does as the offerer and as the answerer.

use std::time::Duration;

use crate::fault::{Link, Phase};
use crate::ice::{IceTransportPolicy, Role};
use crate::id::SessionId;
use crate::message::SignalingMessage;
use crate::output::Event;
use crate::policy::RecoveryStep;
use crate::port::PeerAction;
use crate::supervisor::Timer;
use crate::supervisor::desk::Desk;
use crate::supervisor::outage::Progress;
use crate::supervisor::peer_link::PeerLink;
use crate::supervisor::verification::GRACE_PACE;

impl PeerLink {
    /// Lets the link heal by itself, and asks it now and then whether it has.
    pub(super) fn wait(&mut self, desk: &mut Desk) {
        self.begin(RecoveryStep::Wait, desk);
        self.enter(Progress::Grace, Some(Phase::DisconnectedGrace), desk);
        self.ping_active(GRACE_PACE, desk);
        self.give_head_start(RecoveryStep::Wait, desk);
    }

    pub(super) fn ask_signaling(&mut self, desk: &mut Desk) {
        self.begin(RecoveryStep::ReconnectSignaling, desk);
        desk.signaling_suspected = true;
        self.enter(Progress::AskingSignaling, Some(Phase::SignalingPong), desk);
    }

    pub(super) fn perform(&mut self, step: RecoveryStep, desk: &mut Desk) {
        // what broke the peer's path may have broken the server's: a ping now finds a half-open socket soonest
        desk.signaling_suspected |= self.ever_up;
        self.ask_the_old(Duration::ZERO, desk);
        match step {
            RecoveryStep::RestartIce => self.restart_ice(step, IceTransportPolicy::All, desk),
            RecoveryStep::RestartIceViaRelay => self.restart_ice(step, IceTransportPolicy::Relay, desk),
            RecoveryStep::RecreatePeerConnection => self.recreate(desk),
            RecoveryStep::MoveToSpare => self.move_to_spare(desk),
            RecoveryStep::Wait | RecoveryStep::ReconnectSignaling | RecoveryStep::GiveUp => {
                self.next_step(desk);
            }
        }
    }

    /// Restarts ICE as the offerer, or asks for it as the answerer.
    fn restart_ice(&mut self, step: RecoveryStep, policy: IceTransportPolicy, desk: &mut Desk) {
        let Some(active) = &mut self.active else { return self.recreate(desk) };
        let generation = active.generation;
        let role = self.key.direction.role();
        if role == Role::Offerer && !active.ice.is_connected() {
            // with nothing to lose the transport leaves the old path before the answer comes
            active.path_since = desk.now;
        }
        self.begin(step, desk);
        match role {
            Role::Offerer => {
                desk.peer(generation, PeerAction::RestartIce(policy));
                self.enter(Progress::Gathering(generation), Some(Phase::Gathering), desk);
            }
            Role::Answerer => {
                self.request_restart(desk);
                self.enter(Progress::RestartRequested, Some(Phase::RestartRequest), desk);
            }
        }
        self.give_head_start(step, desk);
    }

    /// Builds a new connection as the offerer, or asks for an offer as the answerer.
    pub(super) fn recreate(&mut self, desk: &mut Desk) {
        self.begin(RecoveryStep::RecreatePeerConnection, desk);
        self.rebuilds = self.rebuilds.saturating_add(1);
        self.drop_candidate(desk);
        self.part_with_strangers(desk);
        match self.role() {
            Role::Offerer => {
                let session = desk.rng.session();
                self.create_candidate(SessionId(session.into()), desk);
            }
            Role::Answerer => {
                self.ask_for_offer(desk);
                self.enter(Progress::AwaitingOffer, Some(Phase::OfferAnswer), desk);
            }
        }
    }

    /// Ends the old connection with a peer that keeps one only, so that it is ended on both sides.
    fn part_with_strangers(&mut self, desk: &mut Desk) {
        if self.is_rejoin() {
            return;
        }
        let Some(active) = self.part_with_active(desk) else { return };
        match self.role() {
            // a foreign viewer drops the old one when it sees a new session, and knows by this what to drop
            Role::Offerer => desk.say_farewell(self.route.as_ref()),
            // a foreign publisher ignores a new `play` while it believes in the old one
            Role::Answerer => desk.wish(SignalingMessage::Bye { route: self.route.clone() }),
        }
        active.close(desk);
    }

    /// Sleeps, its retries spent, until something changes.
    pub(super) fn sleep(&mut self, desk: &mut Desk) {
        self.drop_candidate(desk);
        self.drop_spare(desk);
        if let Some(active) = self.active.take() {
            active.close(desk);
        }
        if let Some(outage) = &self.outage {
            desk.event(Event::Dormant { link: self.name(), fault: outage.fault.clone() });
        }
        self.enter(Progress::Dormant, None, desk);
        let sleep = desk.sleep(Link::Peer);
        desk.timers.set(Timer::Repair(self.key.clone()), desk.now, sleep);
    }
}
