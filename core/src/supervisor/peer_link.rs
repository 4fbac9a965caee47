//! One peer link while it lives: its connections, its messages, its health.

use std::time::{Duration, Instant};

use crate::delivery::durable::PersistedState;
use crate::delivery::{Inbox, Outbox, Reassembly};
use crate::fault::{Fault, Link};
use crate::ice::Role;
use crate::id::{Direction, Generation, Identity, PeerKey, SessionId, SignalingAddress, StreamId};
use crate::message::{ChannelMessage, Hello, SignalingMessage};
use crate::output::{LinkName, Peer};
use crate::policy::{Health, HealthContext};
use crate::port::PeerAction;
use crate::supervisor::Timer;
use crate::supervisor::absent::Mail;
use crate::supervisor::connection::Connection;
use crate::supervisor::context::{Context, SHORTEST_WAIT};
use crate::supervisor::link_quality::QualityTracker;
use crate::supervisor::outage::Outage;
use crate::supervisor::signaling_path::EarlyCandidates;
use crate::supervisor::spare::SpareSlot;

#[derive(Debug)]
pub(super) struct PeerLink {
    pub(super) key: PeerKey,
    /// Whether nobody asked for this peer by name, so that it is let go when it does not come back.
    pub(super) implicit: bool,
    pub(super) stream: StreamId,
    pub(super) address: Option<SignalingAddress>,
    pub(super) hello: Hello,
    /// The connection in use.
    pub(super) active: Option<Connection>,
    /// A connection that will take over once it is verified.
    pub(super) candidate: Option<Connection>,
    /// A connection that is kept open for the day when the one in use breaks.
    pub(super) spare: SpareSlot,
    pub(super) outage: Option<Outage>,
    /// Rebuilds tried in this outage.
    pub(super) rebuilds: u32,
    pub(super) previous_delay: Option<Duration>,
    /// What came for a connection before its offer.
    pub(super) early_candidates: EarlyCandidates,
    /// The session of the connection that we let go of last: what comes for it is late, not odd.
    pub(super) last_closed_session: Option<SessionId>,
    /// The session of the newest connection that the peer has let go of: what comes of it later is late.
    pub(super) withdrawn: Option<SessionId>,
    /// When the link had healed although an offer was on its way that we had asked for.
    pub(super) asked_in_vain: Option<Instant>,
    pub(super) ever_up: bool,
    pub(super) up_since: Instant,
    /// Whether writing is paused because the path is in doubt.
    pub(super) suspect: bool,
    pub(super) outbox: Outbox,
    pub(super) inbox: Inbox,
    /// What the store knows of this link; nothing unless mail is kept across restarts.
    pub(super) persisted: PersistedState,
    pub(super) reassembly: Reassembly,
    pub(super) quality: QualityTracker,
}

impl PeerLink {
    pub(super) fn new(
        key: PeerKey,
        stream: StreamId,
        address: Option<SignalingAddress>,
        context: &mut Context,
    ) -> Self {
        let Mail { outbox, inbox, persisted } = context.mail_for(key.direction, &stream);
        Self {
            implicit: key.direction == Direction::Publishing,
            key,
            stream,
            address,
            hello: Hello::default(),
            active: None,
            candidate: None,
            spare: SpareSlot::default(),
            outage: Some(Outage::new(Fault::NotConnected, Duration::ZERO, context.now)),
            rebuilds: 0,
            previous_delay: None,
            early_candidates: EarlyCandidates::default(),
            last_closed_session: None,
            withdrawn: None,
            asked_in_vain: None,
            ever_up: false,
            up_since: context.now,
            suspect: false,
            outbox: outbox.unwrap_or_else(|| context.outbox()),
            inbox,
            persisted,
            reassembly: Reassembly::default(),
            quality: QualityTracker::new(context.now),
        }
    }

    pub(super) fn role(&self) -> Role {
        self.key.direction.role()
    }

    pub(super) fn name(&self) -> LinkName {
        LinkName::Peer(self.key.clone())
    }

    pub(super) fn identity(&self) -> Option<Identity> {
        let before = self.persisted.note().and_then(|note| note.identity);
        self.hello.rejoin.as_ref().map(|rejoin| rejoin.identity).or(before)
    }

    pub(super) fn is_rejoin(&self) -> bool {
        self.hello.rejoin.is_some()
    }

    pub(super) fn peer(&self) -> Peer {
        Peer { key: self.key.clone(), identity: self.identity(), label: self.hello.label.clone() }
    }

    /// Returns whether this link goes by `name`.
    pub(super) fn is_called(&self, name: &str) -> bool {
        let is_address = self.address.as_ref().is_some_and(|address| &*address.0 == name);
        let is_identity = self.identity().is_some_and(|identity| identity.to_string() == name);
        &*self.key.peer == name || is_address || is_identity || self.hello.label.as_deref() == Some(name)
    }

    /// Returns whether its label is one of `labels`; a peer that has told none is called "".
    pub(super) fn is_labelled(&self, labels: &[String]) -> bool {
        let label = self.hello.label.as_deref().unwrap_or_default();
        labels.iter().any(|wanted| wanted == label)
    }

    pub(super) fn owns(&self, generation: Generation) -> bool {
        self.look_up(generation).is_some()
    }

    /// Returns the connections, newest first: a rebuilt one may have its predecessor's session.
    pub(super) fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.candidate.iter().chain(&self.active)
    }

    pub(super) fn look_up(&self, generation: Generation) -> Option<&Connection> {
        let mut all = self.connections().chain(self.spare.connection());
        all.find(|connection| connection.generation == generation)
    }

    pub(super) fn connection(&mut self, generation: Generation) -> Option<&mut Connection> {
        let mut all = self.candidate.iter_mut().chain(&mut self.active).chain(self.spare.connection_mut());
        all.find(|connection| connection.generation == generation)
    }

    pub(super) fn is_candidate(&self, generation: Generation) -> bool {
        self.candidate.as_ref().is_some_and(|connection| connection.generation == generation)
    }

    /// Closes a connection while the link goes on.
    pub(super) fn close_connection(&mut self, connection: Connection, context: &mut Context) {
        self.last_closed_session = Some(connection.session.clone());
        connection.close(context);
    }

    // ---- health

    /// Examines a healthy link, probes it if the policy says so, and opens an outage if it is dead.
    pub(super) fn checkup(&mut self, context: &mut Context) {
        if self.outage.is_some() {
            return;
        }
        let Some(active) = &mut self.active else { return };
        let log = HealthContext {
            probes: active.probes.log(),
            acknowledged_at: active.probes.acknowledged_at,
            last_received: active.probes.last_received,
            bytes_due: active.bytes_outstanding(),
            rtt: active.probes.rtt,
            ice: Some(active.ice),
            consented_since: active.consent.since,
            ..HealthContext::new(Link::Peer, context.settings.platform, self.up_since, context.now)
        };
        let checkup = context.policies.health.examine(&log);
        if active.answers_pings && log.unanswered().next().is_some() {
            active.read_consent(context);
        }
        if checkup.probe {
            if !active.answers_pings {
                // before the ping, whose own bytes are due until the next reading
                context.peer(active.generation, PeerAction::ReadStats);
            }
            active.ping(context);
        }
        context.timers.set(
            Timer::Checkup(self.key.clone()),
            context.now,
            checkup.again_in.max(SHORTEST_WAIT),
        );
        let doubted = std::mem::replace(&mut self.suspect, checkup.health == Health::Suspect);
        context.signaling_probe_requested |= self.suspect && !doubted;
        match checkup.health {
            Health::Alive if doubted => self.flush(context),
            Health::Alive | Health::Suspect => {}
            Health::Dead => self.on_fault(Fault::ProbeUnanswered, context),
        }
    }

    pub(super) fn trust(&mut self) {
        self.suspect = false;
    }

    /// Returns how many messages are held and how many samples are kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> (usize, usize) {
        (self.outbox.len() as usize, self.quality.kept())
    }

    /// Says goodbye over the channels and closes everything.
    pub(super) fn leave(&mut self, context: &mut Context) {
        for connection in self.connections() {
            connection.send(ChannelMessage::Bye, context);
        }
        self.close(context);
    }

    /// Says goodbye by way of the server, which is about both directions.
    pub(super) fn send_bye_to_server(&self, context: &mut Context) {
        if self.address.is_some() {
            context.send_to_server(SignalingMessage::Bye { address: self.address.clone() });
        }
    }

    /// Closes every connection and forgets every deadline.
    pub(super) fn close(&mut self, context: &mut Context) {
        self.drop_mail(context);
        self.close_connections(context);
        context.timers.clear_peer(&self.key);
    }

    pub(super) fn close_connections(&mut self, context: &mut Context) {
        self.drop_spare(context);
        for connection in [self.active.take(), self.candidate.take()].into_iter().flatten() {
            connection.close(context);
        }
    }

    /// Returns whether a broadcast takes another link of the same peer instead of this one.
    pub(super) fn is_second_to(&self, other: &Self) -> bool {
        self.key.direction == Direction::Viewing
            && other.key.direction == Direction::Publishing
            && self.identity().is_some()
            && self.identity() == other.identity()
    }
}
