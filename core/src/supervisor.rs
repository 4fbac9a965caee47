//! The machine: owns every piece of state about outages.

pub(crate) mod absent;
mod backpressure;
mod commands;
pub(crate) mod context;
mod dispatch;
mod intent;
mod known_viewers;
mod mail;
mod persist;
mod returning_peer;
mod room_join;
mod session_record;
mod signaling_link;
#[cfg(test)]
mod tests;
pub(crate) mod timers;
mod view_all;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::delivery::durable::Durability;
use crate::delivery::{Epoch, WhenFull};
use crate::fault::Fault;
use crate::ice::IceServer;
use crate::id::{Generation, Identity, PeerKey};
use crate::input::Input;
use crate::network::{NetworkChange, NetworkSnapshot};
use crate::output::{Event, Output, Warning};
use crate::peer::connectivity::Connectivity;
use crate::peer::link::PeerLink;
use crate::platform::Platform;
use crate::policy::Policies;
use crate::port::{PeerEvent, SignalingEvent};
use crate::session::{SessionRecord, ViewerRecord};
use crate::supervisor::context::Context;
use crate::supervisor::intent::Intent;
use crate::supervisor::known_viewers::KnownViewers;
use crate::supervisor::signaling_link::SignalingLink;

pub use crate::peer::spares::Spares;

/// What a supervisor is told once, at the start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who we are to rejoin peers.
    pub identity: Identity,
    /// The label that peers see.
    pub label: Option<String>,
    /// Whose timeouts apply.
    pub platform: Platform,
    /// Signaling servers, tried in order; `ws://` or `wss://` URLs.
    pub servers: Vec<Arc<str>>,
    /// How these servers know who is there.
    pub membership: Membership,
    /// The viewers of an earlier process: one that comes back gets the name that it had.
    pub viewers: Vec<ViewerRecord>,
    /// STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
    /// Addresses that peer connections bind; empty means every interface.
    pub bind: Vec<String>,
    /// The life of this process as a sender; must differ from that of every earlier process of this identity.
    pub epoch: Epoch,
    /// How many messages are kept for one peer until it has them.
    pub held_messages: usize,
    /// How many bytes of messages are kept for one peer until it has them.
    pub held_bytes: usize,
    /// What happens to a message for which that leaves no room.
    pub when_full: WhenFull,
    /// Whether a spare connection is kept with peers that keep one too.
    pub spares: Spares,
    /// For how long mail is kept: with a memory across restarts, messages are acknowledged when they are confirmed.
    pub durability: Durability,
    /// The seed of the machine's dice.
    pub seed: u64,
}

impl Settings {
    /// Creates settings for one server, with bounds that suit chat: 4,096 messages or 4 MiB kept per peer.
    ///
    /// The seed and the epoch follow from the identity: set both to something random outside of tests.
    pub fn new(identity: Identity, server: &str) -> Self {
        Self {
            identity,
            label: None,
            platform: Platform::detect(),
            servers: vec![server.into()],
            membership: Membership::ServerListed,
            viewers: Vec::new(),
            ice_servers: Vec::new(),
            bind: Vec::new(),
            epoch: Epoch(identity.0 as u64),
            held_messages: 4096,
            held_bytes: 4 << 20,
            when_full: WhenFull::Wait,
            spares: Spares::Never,
            durability: Durability::InMemory,
            seed: identity.0 as u64,
        }
    }
}

/// How a signaling server and the members of a room know who is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Membership {
    /// The server names every socket and lists the room to whoever enters it (hosted dialect).
    #[default]
    ServerListed,
    /// Everybody says who they are, and members offer to newcomers; nobody lists a room (self-host dialect).
    SelfAnnounced,
}

/// A deadline of the machine, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// The signaling link's current wait: backoff, dialing, joining, sleeping.
    Signaling,
    /// The signaling link's next checkup.
    SignalingCheckup,
    /// The end of the wait for a room's listing.
    RoomJoin,
    /// The next claim of a stream id that a ghost still holds.
    Reseed,
    /// The current wait of a peer link's outage: grace, backoff, a phase, sleep.
    Repair(PeerKey),
    /// The end of the time that a mild repair has before a new connection is built beside it.
    HeadStart(PeerKey),
    /// The next ping of a verification.
    Verification(PeerKey),
    /// When a peer link looks after its spare connection.
    Spare(PeerKey),
    /// A peer link's next checkup.
    Checkup(PeerKey),
    /// A peer link's next reading.
    Stats(PeerKey),
    /// The acknowledgement that a peer link owes.
    Acknowledgement(PeerKey),
    /// The end of our patience with a peer that acknowledges nothing.
    Unacknowledged(PeerKey),
    /// The end of our patience with a peer that nobody named and that is gone.
    Gone(PeerKey),
}

/// Keeps the signaling link and every peer link alive.
#[derive(Debug)]
pub struct Supervisor {
    context: Context,
    intent: Intent,
    signaling: SignalingLink,
    peers: BTreeMap<PeerKey, PeerLink>,
    known_viewers: KnownViewers,
    /// What was stored last.
    persisted: Option<SessionRecord>,
    left: bool,
}

impl Supervisor {
    /// Creates a supervisor that wishes for nothing yet. `now` is the start of its time.
    pub fn new(mut settings: Settings, policies: Policies, now: Instant) -> Self {
        let known_viewers = KnownViewers::of(std::mem::take(&mut settings.viewers));
        Self {
            context: Context::new(settings, policies, now),
            intent: Intent::default(),
            signaling: SignalingLink::default(),
            peers: BTreeMap::new(),
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
        if std::mem::take(&mut self.context.signaling_proven) {
            for link in self.peers.values_mut() {
                link.connectivity.on_signaling_proven(&mut self.context);
            }
        }
        for address in std::mem::take(&mut self.context.farewells) {
            // every connection between the two hears what the server carries
            if self
                .peers
                .values()
                .filter(|link| link.connectivity.remote.address.as_ref() == Some(&address))
                .count()
                > 1
            {
                self.context.take_back(&address);
            }
        }
        if std::mem::take(&mut self.context.signaling_probe_requested) {
            self.signaling.sound(&mut self.context);
        }
        if self.context.signaling_suspect {
            self.signaling.suspected(&mut self.context);
        }
        if std::mem::take(&mut self.context.record_changed) {
            self.persist();
        }
        self.keep_mail();
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
                Timer::RoomJoin => self.wish_replayed(),
                Timer::Reseed => self.intent.claim(context),
                Timer::Repair(key) => self.with_connectivity(&key, Connectivity::on_repair_timer),
                Timer::HeadStart(key) => self.with_connectivity(&key, Connectivity::on_head_start_over),
                Timer::Verification(key) => self.with_connectivity(&key, Connectivity::on_verification_timer),
                Timer::Spare(key) => self.with_connectivity(&key, Connectivity::on_spare_timer),
                Timer::Checkup(key) => self.with(&key, PeerLink::check_health),
                Timer::Stats(key) => self.with_connectivity(&key, Connectivity::read_stats),
                Timer::Acknowledgement(key) => self.with(&key, PeerLink::acknowledge),
                Timer::Unacknowledged(key) => self.with(&key, PeerLink::unacknowledged),
                Timer::Gone(key) => self.gone(&key),
            }
        }
    }

    fn with_connectivity(&mut self, key: &PeerKey, act: fn(&mut Connectivity, &mut Context)) {
        if let Some(link) = self.peers.get_mut(key) {
            act(&mut link.connectivity, &mut self.context);
        }
    }

    fn with(&mut self, key: &PeerKey, act: fn(&mut PeerLink, &mut Context)) {
        if let Some(link) = self.peers.get_mut(key) {
            act(link, &mut self.context);
        }
    }

    /// Whom nobody named, and who has not come back in its time, is gone; that is no unrecovered incident.
    fn gone(&mut self, key: &PeerKey) {
        let Some(link) = self.peers.get(key).filter(|link| link.connectivity.repair.outage.is_some()) else {
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
        let mut link = self.peers.remove(key)?;
        // every connection between the two hears what the server carries
        if self
            .peers
            .values()
            .all(|other| other.connectivity.remote.address != link.connectivity.remote.address)
        {
            link.send_bye_to_server(&mut self.context);
        }
        link.leave(&mut self.context);
        Some(link)
    }

    /// Closes and forgets the link of a peer that said goodbye.
    fn remove(&mut self, key: &PeerKey) {
        let Some(mut link) = self.peers.remove(key) else { return };
        link.close(&mut self.context);
        self.left(link);
    }

    fn left(&mut self, link: PeerLink) {
        if link.connectivity.health.ever_up {
            self.context.event(Event::PeerLeft(link.peer()));
        }
        self.context.record_changed = true;
        self.remember(link);
    }

    // ---- what the world says

    fn signaling_event(&mut self, generation: Generation, event: SignalingEvent) {
        // the door: an older socket has no say
        if self.signaling.generation != Some(generation) {
            return;
        }
        self.signaling.heard(&mut self.context);
        match event {
            SignalingEvent::Opened { resumption, resumed } => {
                self.signaling.opened(resumption, &mut self.context);
                self.replay_wish(resumed);
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
        let Some(link) = self
            .peers
            .values_mut()
            .find(|link| link.connectivity.connections.by_generation(generation).is_some())
        else {
            return;
        };
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
                let key = link.connectivity.remote.key.clone();
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
        for link in self.peers.values_mut() {
            link.connectivity.on_network_change(change, &mut self.context);
        }
        let fault = match change {
            NetworkChange::None | NetworkChange::Minor => return,
            NetworkChange::Lost => {
                for link in self.peers.values_mut() {
                    link.connectivity.on_network_lost(&mut self.context);
                }
                return;
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
        self.signaling.network_moved(&fault, &mut self.context);
        for link in self.peers.values_mut() {
            if fault != Fault::NetworkSwitched || !link.connectivity.is_on_the_default_route(&self.context) {
                link.connectivity.repair_now(fault.clone(), &mut self.context);
            }
        }
    }
}
