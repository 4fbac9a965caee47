//! The link to one peer: holds its sub-machines and combines them.
//!
//! The parts decide what concerns them alone. Signaling is combined in `negotiation`, repairs are in `repair`.

mod negotiation;
mod repair;

use std::time::Duration;

use crate::delivery::Reassembly;
use crate::delivery::link::LinkDelivery;
use crate::fault::{Fault, Phase};
use crate::ice::IceConnectionState;
use crate::id::{Direction, Generation, Identity, PeerKey, SignalingAddress, StreamId};
use crate::message::{ChannelMessage, Hello, SignalingMessage};
use crate::network::NetworkChange;
use crate::output::{Event, Peer, Warning};
use crate::peer::connections::Connections;
use crate::peer::connections::spare::{self, SpareOutcome};
use crate::peer::health::{Checkup, LinkHealth};
use crate::peer::outage::Outage;
use crate::peer::quality::QualityTracker;
use crate::peer::remote::RemotePeer;
use crate::peer::repair::Repair;
use crate::peer::repair_state::RepairState;
use crate::policy::{Outcome, RecoveryStep};
use crate::port::{PeerAction, PeerEvent};
use crate::stats::Sample;
use crate::supervisor::Timer;
use crate::supervisor::absent::Mail;
use crate::supervisor::context::{Context, SHORTEST_WAIT};

/// How often a verification pings: often enough to cost no more than a tenth of a second.
const VERIFICATION_INTERVAL: Duration = Duration::from_millis(100);

/// How often a link in its grace is pinged; each unanswered ping stays in SCTP's queue.
const GRACE_INTERVAL: Duration = Duration::from_secs(1);

/// The link to one peer, from the first time it is wanted to its end.
#[derive(Debug)]
pub(crate) struct PeerLink {
    pub(crate) remote: RemotePeer,
    pub(crate) connections: Connections,
    pub(crate) repair: Repair,
    pub(crate) health: LinkHealth,
    pub(crate) quality: QualityTracker,
    pub(crate) delivery: LinkDelivery,
}

impl PeerLink {
    pub(crate) fn new(
        key: PeerKey,
        stream: StreamId,
        address: Option<SignalingAddress>,
        context: &mut Context,
    ) -> Self {
        let Mail { outbox, inbox, persisted } = context.mail_for(key.direction, &stream);
        let outbox = outbox.unwrap_or_else(|| context.outbox());
        let implicit = key.direction == Direction::Publishing;
        Self {
            remote: RemotePeer { key, implicit, stream, address, hello: Hello::default() },
            connections: Connections::default(),
            repair: Repair::new(context.now),
            health: LinkHealth::new(context.now),
            quality: QualityTracker::new(context.now),
            delivery: LinkDelivery { outbox, inbox, persisted, reassembly: Reassembly::default() },
        }
    }

    pub(crate) fn identity(&self) -> Option<Identity> {
        let before = self.delivery.persisted.note().and_then(|note| note.identity);
        self.remote.hello.rejoin.as_ref().map(|rejoin| rejoin.identity).or(before)
    }

    pub(crate) fn peer(&self) -> Peer {
        let RemotePeer { key, hello, .. } = &self.remote;
        Peer { key: key.clone(), identity: self.identity(), label: hello.label.clone() }
    }

    /// Returns whether `name` is this peer's key, address, identity or label.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        let RemotePeer { key, address, hello, .. } = &self.remote;
        let is_address = address.as_ref().is_some_and(|address| &*address.0 == name);
        let is_identity = self.identity().is_some_and(|identity| identity.to_string() == name);
        &*key.peer == name || is_address || is_identity || hello.label.as_deref() == Some(name)
    }

    /// Returns whether a broadcast takes another link of the same peer instead of this one.
    pub(crate) fn is_second_to(&self, other: &Self) -> bool {
        self.remote.key.direction == Direction::Viewing
            && other.remote.key.direction == Direction::Publishing
            && self.identity().is_some()
            && self.identity() == other.identity()
    }

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

    // ---- what the transport reports

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

    pub(crate) fn on_channel_open(&mut self, generation: Generation, context: &mut Context) {
        let Some(connection) = self.connections.by_generation_mut(generation) else { return };
        connection.channel_open = true;
        self.announce(generation, context);
        if self.repair.state().and_then(RepairState::generation) == Some(generation) {
            self.verify(generation, context);
        } else {
            self.on_activity(generation, context);
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

    /// Records a stats sample, and repairs the link if it is poor and a repair can pay.
    pub(crate) fn on_stats(&mut self, generation: Generation, sample: Sample, context: &mut Context) {
        let Some(connection) = self.connections.by_generation_mut(generation) else { return };
        let graded = connection.on_stats(&sample, context.now);
        let (probes_sent, probes_answered) = connection.liveness.probes.counts();
        self.prove_without_pong(generation, context);
        if !graded || self.connections.is_candidate(generation) || !self.is_up() {
            return;
        }
        let live = self.channel_is_live();
        self.connections.open_spare(&self.remote, live, context);
        let sample = Sample { probes_sent, probes_answered, ..sample };
        if self.quality.on_stats(sample, self.remote.name(), context) {
            self.on_fault(Fault::QualityPoor, context);
        }
    }

    pub(crate) fn on_spare_event(&mut self, generation: Generation, event: PeerEvent, context: &mut Context) {
        match self.connections.on_spare_event(event, &self.remote, context) {
            Some(SpareOutcome::Opened) => self.announce(generation, context),
            Some(SpareOutcome::Failed) => {
                let live = self.channel_is_live();
                self.connections.on_spare_failed(&self.remote, live, context);
            }
            Some(SpareOutcome::PeerMoved) => self.follow(generation, context),
            None => {}
        }
    }

    // ---- proof: an answered ping sent after the fault ends an outage, a state that says connected does not

    /// Demands proof of this connection: a ping and its pong.
    pub(super) fn verify(&mut self, generation: Generation, context: &mut Context) {
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

    pub(crate) fn on_pong(&mut self, generation: Generation, number: u64, context: &mut Context) {
        let Some(connection) = self.connections.by_generation_mut(generation) else { return };
        let Some(sent_at) = connection.liveness.probes.answered(number, context.now) else { return };
        connection.liveness.answers_pings = true;
        let about_this_path = sent_at >= connection.path_since;
        if self.is_up() {
            self.check_health(context);
        } else if about_this_path && self.repair.accepts(generation, sent_at, &self.remote, &self.connections)
        {
            self.on_proof(generation, context);
        }
    }

    /// For a peer that answers no pings: its SCTP has acknowledged one, so bytes went both ways.
    fn prove_without_pong(&mut self, generation: Generation, context: &mut Context) {
        if self.repair.state() != Some(RepairState::Verifying(generation)) {
            return;
        }
        // a former rejoin peer most likely still is one, and then its hello and its pong are on their way
        let factor = if self.remote.is_rejoin() { 5 } else { 1 };
        let (detected_at, min_age) = (self.repair.detected_at(), VERIFICATION_INTERVAL * factor);
        let proven = self.connections.by_generation(generation).is_some_and(|connection| {
            let since = detected_at.map_or(connection.path_since, |at| at.max(connection.path_since));
            connection.liveness.is_acknowledged(since, min_age, context.now)
        });
        if proven {
            self.on_proof(generation, context);
        }
    }

    /// A connection has carried bytes both ways: it is kept, unless the offerer may be choosing the other.
    fn on_proof(&mut self, generation: Generation, context: &mut Context) {
        let undecided =
            self.repair.offerer_may_choose_other(generation, &self.remote, &self.connections, context.now);
        if undecided {
            return;
        }
        let is_new = self.connections.is_candidate(generation);
        if is_new {
            let moved = self.repair.moves_to_spare(&self.connections);
            if let Some(old) = self.connections.promote_candidate() {
                if moved {
                    self.connections.send_withdraw(old.session.clone(), &self.remote, context);
                }
                self.connections.close(old, context);
            }
            self.move_mail();
        }
        self.connections.withdraw_candidate(&self.remote, context);
        if let Some(outage) = self.repair.close(is_new, context.now) {
            self.on_recovered(outage, context);
        }
    }

    /// The outage is over: resume delivery, health checks, stats and the spare.
    fn on_recovered(&mut self, outage: Outage, context: &mut Context) {
        context.timers.clear_peer(&self.remote.key);
        self.quality.reset(self.remote.name(), context);
        if self.health.on_verified(context.now) {
            let recovery = outage.recovered(self.remote.name(), Some(self.peer()), context.now);
            context.event(Event::Recovered(recovery));
        } else {
            context.event(Event::Connected(self.peer()));
            if !self.delivers() {
                context.warn(Warning::BestEffort { peer: self.remote.key.clone() });
            }
        }
        self.owe_acknowledgement(context);
        self.check_health(context);
        self.read_stats(context);
        self.flush(context);
        spare::schedule(&self.remote.key, context);
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

    // ---- what is due

    /// Examines a link that is up, and opens an outage if it is dead.
    pub(crate) fn check_health(&mut self, context: &mut Context) {
        let Some(active) = self.connections.active.as_mut().filter(|_| self.repair.outage.is_none()) else {
            return;
        };
        match self.health.check(active, &self.remote.key, context) {
            Checkup::Unchanged => {}
            Checkup::Restored => self.flush(context),
            Checkup::Dead => self.on_fault(Fault::ProbeUnanswered, context),
        }
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

    // ---- the end

    /// Says goodbye over the channels and closes everything.
    pub(crate) fn leave(&mut self, context: &mut Context) {
        for connection in self.connections.newest_first() {
            connection.send(ChannelMessage::Bye, context);
        }
        self.close(context);
    }

    /// Says goodbye through the server, which concerns both directions.
    pub(crate) fn send_bye_to_server(&self, context: &mut Context) {
        self.remote.send_to_server(SignalingMessage::Bye { address: self.remote.address.clone() }, context);
    }

    /// Closes every connection and clears every timer.
    pub(crate) fn close(&mut self, context: &mut Context) {
        self.drop_mail(context);
        self.close_connections(context);
        context.timers.clear_peer(&self.remote.key);
    }

    fn drop_spare(&mut self, context: &mut Context) {
        let live = self.channel_is_live();
        self.connections.drop_spare(&self.remote, live, context);
    }

    fn close_connections(&mut self, context: &mut Context) {
        let live = self.channel_is_live();
        self.connections.close_all(&self.remote, live, context);
    }

    /// Returns how many messages are held and how many samples are kept.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> (usize, usize) {
        (self.delivery.outbox.len() as usize, self.quality.kept())
    }
}
