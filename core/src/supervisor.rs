//! The machine: owns every piece of state about outages.

pub(crate) mod backpressure;
mod commands;
pub(crate) mod context;
mod dispatch;
mod intent;
pub(crate) mod internal_event;
mod known_viewers;
mod lookup;
mod peers;
mod persist;
mod returning_peer;
mod room_join;
mod session_record;
pub(crate) mod settings;
mod signaling_link;
mod signaling_status;
#[cfg(test)]
mod tests;
pub(crate) mod timers;
mod view_all;

use std::time::{Duration, Instant};

use crate::fault::Fault;
use crate::id::{Generation, PeerKey};
use crate::input::Input;
use crate::network::{NetworkChange, NetworkSnapshot};
use crate::output::{Event, Output, Warning};
use crate::peer::connectivity::Connectivity;
use crate::peer::link::PeerLink;
use crate::policy::Policies;
use crate::port::{PeerEvent, SignalingEvent};
use crate::session::SessionRecord;
use crate::supervisor::context::Context;
use crate::supervisor::intent::Intent;
use crate::supervisor::internal_event::InternalEvent;
use crate::supervisor::known_viewers::KnownViewers;
use crate::supervisor::peers::Peers;
use crate::supervisor::signaling_link::SignalingLink;

pub use crate::peer::spares::Spares;
pub use crate::supervisor::settings::{Membership, Settings};
pub use crate::supervisor::timers::Timer;

/// Keeps the signaling link and every peer link alive.
#[derive(Debug)]
pub struct Supervisor {
    context: Context,
    intent: Intent,
    signaling: SignalingLink,
    peers: Peers,
    known_viewers: KnownViewers,
    /// What was stored last.
    persisted: Option<SessionRecord>,
    left: bool,
}

impl Supervisor {
    /// Creates a supervisor that has no intent yet. `now` is the start of its time.
    pub fn new(mut settings: Settings, policies: Policies, now: Instant) -> Self {
        let known_viewers = KnownViewers::of(std::mem::take(&mut settings.viewers));
        Self {
            context: Context::new(settings, policies, now),
            intent: Intent::default(),
            signaling: SignalingLink::default(),
            peers: Peers::default(),
            known_viewers,
            persisted: None,
            left: false,
        }
    }

    /// Tells the machine what happened, and when. Time that runs backwards stands still.
    pub fn handle_input(&mut self, input: Input, now: Instant) {
        self.context.now = self.context.now.max(now);
        match input {
            Input::Command(command) => self.command(command),
            Input::Signaling(generation, event) => self.signaling_event(generation, event),
            Input::Peer(generation, event) => self.peer_event(generation, event),
            Input::Network(snapshot) => self.network(snapshot),
            Input::Suspended(duration) => self.suspended(duration),
            Input::Timeout => self.timeout(),
        }
        loop {
            self.peers.settle(&mut self.context);
            let Some(event) = self.context.next_internal() else { break };
            self.internal_event(event);
        }
        self.store_absent();
    }

    fn internal_event(&mut self, event: InternalEvent) {
        let context = &mut self.context;
        match event {
            InternalEvent::SignalingProven => {
                self.peers.for_each(|link| link.connectivity.on_signaling_proven(context))
            }
            InternalEvent::SignalingProbeRequested => self.signaling.sound(context),
            InternalEvent::SignalingSuspect => self.signaling.suspected(context),
            InternalEvent::RecordChanged => self.persist(),
            InternalEvent::LinkChanged(key) => self.store_link(&key),
        }
    }

    /// Returns the next thing to do; call until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.context.next_output()
    }

    /// Returns when, and for which timer, the machine next wants [`Input::Timeout`].
    pub fn next_timeout(&self) -> Option<(Instant, Timer)> {
        self.context.timers.next()
    }

    fn timeout(&mut self) {
        for (at, timer) in self.context.timers.due(self.context.now) {
            let context = &mut self.context;
            // what an earlier one has cleared or moved is not due
            if !context.timers.take(&timer, at) {
                continue;
            }
            match timer {
                Timer::Signaling => self.signaling.timeout(context),
                Timer::SignalingCheckup => self.signaling.checkup_due(context),
                Timer::RoomJoin => self.intent_replayed(),
                Timer::Reseed => self.intent.claim(context),
                Timer::Repair(key) => self.with_connectivity(&key, Connectivity::on_repair_timer),
                Timer::HeadStart(key) => self.with_connectivity(&key, Connectivity::on_head_start_over),
                Timer::Verification(key) => self.with_connectivity(&key, Connectivity::on_verification_timer),
                Timer::Spare(key) => self.with_connectivity(&key, Connectivity::on_spare_timer),
                Timer::Checkup(key) => self.with(&key, PeerLink::check_health),
                Timer::Stats(key) => self.with_connectivity(&key, Connectivity::read_stats),
                Timer::Delivery(key) => self.with(&key, PeerLink::delivery_due),
                Timer::Gone(key) => self.gone(&key),
            }
        }
    }

    fn with_connectivity(&mut self, key: &PeerKey, act: fn(&mut Connectivity, &mut Context)) {
        if let Some(link) = self.peers.link_mut(key) {
            act(&mut link.connectivity, &mut self.context);
        }
    }

    fn with(&mut self, key: &PeerKey, act: fn(&mut PeerLink, &mut Context)) {
        if let Some(link) = self.peers.link_mut(key) {
            act(link, &mut self.context);
        }
    }

    /// Closes the link of an implicit peer that did not come back in time; that is a peer that left, not an incident.
    fn gone(&mut self, key: &PeerKey) {
        let Some(link) = self.peers.link(key).filter(|link| link.connectivity.repair.outage.is_some()) else {
            return;
        };
        if self.waits_on(link) {
            return link.connectivity.remote.start_expiry(&mut self.context);
        }
        if let Some(link) = self.part(key) {
            self.left(link);
        }
    }

    /// Says goodbye to a peer, closes its link and forgets it.
    fn part(&mut self, key: &PeerKey) -> Option<PeerLink> {
        let mut link = self.peers.remove(key, &mut self.context)?;
        let remote = &link.connectivity.remote;
        self.context.send_bye(&remote.key, remote.address.as_ref());
        link.leave(&mut self.context);
        Some(link)
    }

    /// Closes and forgets the link of a peer that said goodbye.
    fn remove(&mut self, key: &PeerKey) {
        let Some(mut link) = self.peers.remove(key, &mut self.context) else { return };
        link.close(&mut self.context);
        self.left(link);
    }

    fn left(&mut self, link: PeerLink) {
        if link.connectivity.health.ever_up {
            self.context.event(Event::PeerLeft(link.peer()));
        }
        self.context.raise(InternalEvent::RecordChanged);
        self.remember(link);
    }

    // ---- what the world says

    fn signaling_event(&mut self, generation: Generation, event: SignalingEvent) {
        // the door: an older socket has no say
        if self.signaling.generation != Some(generation) {
            return;
        }
        self.signaling.on_activity(&mut self.context);
        match event {
            SignalingEvent::Opened { resumption, resumed } => {
                self.signaling.opened(resumption, &mut self.context);
                self.replay_intent(resumed);
            }
            SignalingEvent::Received(message) => self.signaling_message(message),
            SignalingEvent::Malformed { reason } => {
                self.context.warn(Warning::MalformedSignaling { reason });
            }
            SignalingEvent::Pong => self.signaling.pong(&mut self.context),
            SignalingEvent::Closed { opened, code, status, retry_after, reason } => {
                let fault = if opened {
                    Fault::SignalingClosed { code, reason }
                } else {
                    context::unreachable(status, reason)
                };
                self.signaling.lost(fault, retry_after, &mut self.context);
            }
        }
    }

    fn peer_event(&mut self, generation: Generation, event: PeerEvent) {
        // the door: a connection that is neither active nor candidate has no say
        let Some(key) = self.peers.by_generation(generation).cloned() else { return };
        let Some(link) = self.peers.link_mut(&key) else { return };
        let context = &mut self.context;
        if link.connectivity.connections.is_spare(generation) {
            return link.on_spare_event(generation, event, context);
        }
        match event {
            PeerEvent::LocalDescription(description) => {
                link.connectivity.on_local_description(generation, description, context)
            }
            PeerEvent::LocalCandidates(candidates) => {
                link.connectivity.on_local_candidates(generation, candidates, context)
            }
            PeerEvent::IceConnectionState(ice) => link.connectivity.on_ice_state(generation, ice, context),
            PeerEvent::ChannelOpen => link.on_channel_open(generation, context),
            PeerEvent::ChannelClosed => {
                link.connectivity.on_channel_closed(generation, Fault::DataChannelClosed, context)
            }
            PeerEvent::Failed { reason } => {
                link.connectivity.on_channel_closed(generation, Fault::ConnectionDied { reason }, context);
            }
            PeerEvent::Malformed { reason } => {
                let peer = link.connectivity.remote.key.clone();
                context.warn(Warning::MalformedMessage { peer, reason });
            }
            PeerEvent::Unsent { tag, message } => link.unsent(generation, tag, message, context),
            PeerEvent::Writable => link.writable(generation, context),
            PeerEvent::Stats(sample) => link.on_stats(generation, sample, context),
            PeerEvent::Received(message) => {
                self.channel_message(&key, generation, message);
            }
        }
    }

    fn network(&mut self, snapshot: NetworkSnapshot) {
        let old = self.context.network.replace(snapshot.clone());
        let change = match &old {
            Some(old) => NetworkChange::between(old, &snapshot),
            None if snapshot.is_usable() => NetworkChange::None,
            None => NetworkChange::Lost,
        };
        let context = &mut self.context;
        self.peers.for_each(|link| link.connectivity.on_network_change(change, context));
        let fault = match change {
            NetworkChange::None | NetworkChange::Minor => return,
            NetworkChange::Lost => {
                return self.peers.for_each(|link| link.connectivity.on_network_lost(context));
            }
            // a address that moves while nothing carries it repairs nothing
            NetworkChange::Major if !snapshot.is_usable() => return,
            NetworkChange::Major => Fault::NetworkSwitched,
            NetworkChange::Back => Fault::NetworkLost,
        };
        self.repair_everything(fault);
    }

    fn suspended(&mut self, duration: Duration) {
        self.repair_everything(Fault::Suspended(duration));
    }

    fn repair_everything(&mut self, fault: Fault) {
        let context = &mut self.context;
        self.signaling.network_moved(&fault, context);
        self.peers.for_each(|link| {
            if fault != Fault::NetworkSwitched || !link.connectivity.is_on_the_default_route(context) {
                link.connectivity.repair_now(fault.clone(), context);
            }
        });
    }
}
