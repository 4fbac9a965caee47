//! The machine: owns every piece of state about outages.

mod acquaintances;
mod audience;
mod carriers;
mod commands;
mod connection;
mod consent;
mod desk;
mod grading;
mod hedge;
mod intent;
mod keeping;
mod mail;
mod negotiation;
mod outage;
mod peer_link;
mod presence;
mod probes;
mod record;
mod repair;
mod reunion;
mod room;
mod routing;
mod shelf;
mod signaling_link;
mod spare;
mod steps;
mod telling;
#[cfg(test)]
mod tests;
mod timeline;
mod timers;
mod verification;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::delivery::{Epoch, WhenFull};
use crate::fault::Fault;
use crate::ice::IceServer;
use crate::id::{Generation, Identity, PeerKey};
use crate::input::Input;
use crate::mail::Memory;
use crate::network::{NetworkChange, NetworkSnapshot};
use crate::output::{Event, Output, Warning};
use crate::platform::Platform;
use crate::policy::Policies;
use crate::port::{PeerEvent, SignalingEvent};
use crate::session::{SessionRecord, ViewerRecord};
use crate::supervisor::acquaintances::Acquaintances;
use crate::supervisor::desk::Desk;
use crate::supervisor::intent::Intent;
use crate::supervisor::peer_link::PeerLink;
use crate::supervisor::signaling_link::SignalingLink;

pub use crate::supervisor::spare::Spares;

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
    pub attendance: Attendance,
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
    pub memory: Memory,
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
            attendance: Attendance::Listed,
            viewers: Vec::new(),
            ice_servers: Vec::new(),
            bind: Vec::new(),
            epoch: Epoch(identity.0 as u64),
            held_messages: 4096,
            held_bytes: 4 << 20,
            when_full: WhenFull::Wait,
            spares: Spares::Never,
            memory: Memory::Process,
            seed: identity.0 as u64,
        }
    }
}

/// How a signaling server and the members of a room know who is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Attendance {
    /// The server names every socket and lists the room to whoever enters it (hosted dialect).
    #[default]
    Listed,
    /// Everybody says who they are, and members offer to newcomers; nobody lists a room (self-host dialect).
    Announced,
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
    desk: Desk,
    intent: Intent,
    signaling: SignalingLink,
    peers: BTreeMap<PeerKey, PeerLink>,
    acquaintances: Acquaintances,
    /// What was stored last.
    persisted: Option<SessionRecord>,
    left: bool,
}

impl Supervisor {
    /// Creates a supervisor that wishes for nothing yet. `now` is the start of its time.
    pub fn new(mut settings: Settings, policies: Policies, now: Instant) -> Self {
        let acquaintances = Acquaintances::of(std::mem::take(&mut settings.viewers));
        Self {
            desk: Desk::new(settings, policies, now),
            intent: Intent::default(),
            signaling: SignalingLink::default(),
            peers: BTreeMap::new(),
            acquaintances,
            persisted: None,
            left: false,
        }
    }

    /// Tells the machine what happened, and when. Time that runs backwards stands still.
    pub fn handle_input(&mut self, input: Input, now: Instant) {
        self.desk.now = self.desk.now.max(now);
        match input {
            Input::Command(command) => self.command(command),
            Input::Signaling(generation, event) => self.signaling_event(generation, event),
            Input::Peer(generation, event) => self.peer_event(generation, event),
            Input::Network(snapshot) => self.network(snapshot),
            Input::Suspended(duration) => self.suspended(duration),
            Input::Timeout => self.timeout(),
        }
        if std::mem::take(&mut self.desk.signaling_proven) {
            for link in self.peers.values_mut() {
                link.signaling_proven(&mut self.desk);
            }
        }
        for route in std::mem::take(&mut self.desk.farewells) {
            // every connection between the two hears what the server carries
            if self.peers.values().filter(|link| link.route.as_ref() == Some(&route)).count() > 1 {
                self.desk.take_back(&route);
            }
        }
        if std::mem::take(&mut self.desk.signaling_sounded) {
            self.signaling.sound(&mut self.desk);
        }
        if self.desk.signaling_suspected {
            self.signaling.suspected(&mut self.desk);
        }
        if std::mem::take(&mut self.desk.record_changed) {
            self.persist();
        }
        self.keep_mail();
    }

    /// Returns the next thing to do; call until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.desk.next_output()
    }

    /// Returns when, and for which timer, the machine next wants [`Input::Timeout`].
    pub fn next_timeout(&self) -> Option<(Instant, Timer)> {
        self.desk.timers.next()
    }

    fn timeout(&mut self) {
        for (at, timer) in self.desk.timers.due(self.desk.now) {
            let desk = &mut self.desk;
            // what an earlier one has cleared or moved is not due
            if !desk.timers.take(&timer, at) {
                continue;
            }
            match timer {
                Timer::Signaling => self.signaling.timeout(desk),
                Timer::SignalingCheckup => self.signaling.checkup_due(desk),
                Timer::RoomJoin => self.wish_replayed(),
                Timer::Reseed => self.intent.claim(desk),
                Timer::Repair(key) => self.with(&key, PeerLink::repair_due),
                Timer::HeadStart(key) => self.with(&key, PeerLink::head_start_over),
                Timer::Verification(key) => self.with(&key, PeerLink::verification_due),
                Timer::Spare(key) => self.with(&key, PeerLink::spare_due),
                Timer::Checkup(key) => self.with(&key, PeerLink::checkup),
                Timer::Stats(key) => self.with(&key, PeerLink::read_stats),
                Timer::Acknowledgement(key) => self.with(&key, PeerLink::acknowledge),
                Timer::Unacknowledged(key) => self.with(&key, PeerLink::unacknowledged),
                Timer::Gone(key) => self.gone(&key),
            }
        }
    }

    fn with(&mut self, key: &PeerKey, act: fn(&mut PeerLink, &mut Desk)) {
        if let Some(link) = self.peers.get_mut(key) {
            act(link, &mut self.desk);
        }
    }

    /// Whom nobody named, and who has not come back in its time, is gone; that is no unrecovered incident.
    fn gone(&mut self, key: &PeerKey) {
        let Some(link) = self.peers.get(key).filter(|link| link.outage.is_some()) else { return };
        if self.waits_on(link) {
            return link.start_patience(&mut self.desk);
        }
        if let Some(link) = self.part(key) {
            self.left(link);
        }
    }

    /// Says goodbye to a peer, closes its link and forgets it.
    fn part(&mut self, key: &PeerKey) -> Option<PeerLink> {
        let mut link = self.peers.remove(key)?;
        // every connection between the two hears what the server carries
        if self.peers.values().all(|other| other.route != link.route) {
            link.say_bye(&mut self.desk);
        }
        link.leave(&mut self.desk);
        Some(link)
    }

    /// Closes and forgets the link of a peer that said goodbye.
    fn remove(&mut self, key: &PeerKey) {
        let Some(mut link) = self.peers.remove(key) else { return };
        link.close(&mut self.desk);
        self.left(link);
    }

    fn left(&mut self, link: PeerLink) {
        if link.ever_up {
            self.desk.event(Event::PeerLeft(link.peer()));
        }
        self.desk.record_changed = true;
        self.remember(link);
    }

    // ---- what the world says

    fn signaling_event(&mut self, generation: Generation, event: SignalingEvent) {
        // the door: an older socket has no say
        if self.signaling.generation != Some(generation) {
            return;
        }
        self.signaling.heard(&mut self.desk);
        match event {
            SignalingEvent::Opened { resumption, resumed } => {
                self.signaling.opened(resumption, &mut self.desk);
                self.replay_wish(resumed);
            }
            SignalingEvent::Received(message) => self.signaling_message(message),
            SignalingEvent::Malformed { reason } => {
                self.desk.warn(Warning::MalformedSignaling { reason });
            }
            SignalingEvent::Pong => self.signaling.pong(&mut self.desk),
            SignalingEvent::Closed { opened, code, status, retry_after, reason } => {
                let fault = if opened {
                    Fault::SignalingClosed { code, reason }
                } else {
                    desk::unreachable(status, reason)
                };
                self.signaling.lost(fault, retry_after, &mut self.desk);
            }
        }
    }

    fn peer_event(&mut self, generation: Generation, event: PeerEvent) {
        // the door: a connection that is neither active nor candidate has no say
        let Some(link) = self.peers.values_mut().find(|link| link.owns(generation)) else { return };
        let desk = &mut self.desk;
        if link.is_spare(generation) {
            return link.spare_event(generation, event, desk);
        }
        match event {
            PeerEvent::LocalDescription(description) => link.described(generation, description, desk),
            PeerEvent::LocalCandidates(candidates) => link.found(generation, candidates, desk),
            PeerEvent::IceConnectionState(ice) => link.ice_changed(generation, ice, desk),
            PeerEvent::ChannelOpen => link.channel_opened(generation, desk),
            PeerEvent::ChannelClosed => link.channel_closed(generation, Fault::DataChannelClosed, desk),
            PeerEvent::Failed { reason } => {
                link.channel_closed(generation, Fault::ConnectionDied { reason }, desk);
            }
            PeerEvent::Malformed { reason } => {
                let peer = link.key.clone();
                desk.warn(Warning::MalformedMessage { peer, reason });
            }
            PeerEvent::Unsent { tag, message } => link.unsent(generation, tag, message, desk),
            PeerEvent::Writable => link.writable(generation, desk),
            PeerEvent::Stats(sample) => link.measured(generation, sample, desk),
            PeerEvent::Received(message) => {
                let key = link.key.clone();
                self.channel_message(&key, generation, message);
            }
        }
    }

    fn network(&mut self, snapshot: NetworkSnapshot) {
        let old = self.desk.network.replace(snapshot.clone());
        let change = match &old {
            Some(old) => NetworkChange::between(old, &snapshot),
            None if snapshot.is_usable() => NetworkChange::None,
            None => NetworkChange::Lost,
        };
        for link in self.peers.values_mut() {
            link.uplinks_changed(change, &mut self.desk);
        }
        let fault = match change {
            NetworkChange::None | NetworkChange::Minor => return,
            NetworkChange::Lost => {
                for link in self.peers.values_mut() {
                    link.network_lost(&mut self.desk);
                }
                return;
            }
            // a route that moves while nothing carries it repairs nothing
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
        self.signaling.network_moved(&fault, &mut self.desk);
        for link in self.peers.values_mut() {
            if fault != Fault::NetworkSwitched || !link.is_on_the_default_route(&self.desk) {
                link.repair_now(fault.clone(), &mut self.desk);
            }
        }
    }
}
