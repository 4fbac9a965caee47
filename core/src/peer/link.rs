//! One peer link while it lives: its connections, its messages, its health.

pub(crate) mod negotiation;
mod repair;

use crate::delivery::Reassembly;
use crate::delivery::link::LinkDelivery;
use crate::fault::{Fault, Link};
use crate::id::{Direction, Identity, PeerKey, SignalingAddress, StreamId};
use crate::message::{ChannelMessage, Hello, SignalingMessage};
use crate::output::Peer;
use crate::peer::connections::Connections;
use crate::peer::health::LinkHealth;
use crate::peer::quality::QualityTracker;
use crate::peer::remote::RemotePeer;
use crate::peer::repair::Repair;
use crate::policy::{Health, HealthContext};
use crate::port::PeerAction;
use crate::supervisor::Timer;
use crate::supervisor::absent::Mail;
use crate::supervisor::context::{Context, SHORTEST_WAIT};

/// The link to one peer, from its first wish to its end.
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
        Peer {
            key: self.remote.key.clone(),
            identity: self.identity(),
            label: self.remote.hello.label.clone(),
        }
    }

    /// Returns whether this link goes by `name`.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        let is_address = self.remote.address.as_ref().is_some_and(|address| &*address.0 == name);
        let is_identity = self.identity().is_some_and(|identity| identity.to_string() == name);
        &*self.remote.key.peer == name
            || is_address
            || is_identity
            || self.remote.hello.label.as_deref() == Some(name)
    }

    // ---- health

    /// Examines a healthy link, probes it if the policy says so, and opens an outage if it is dead.
    pub(crate) fn checkup(&mut self, context: &mut Context) {
        if self.repair.outage.is_some() {
            return;
        }
        let Some(active) = &mut self.connections.active else { return };
        let log = HealthContext {
            probes: active.liveness.probes.log(),
            acknowledged_at: active.liveness.probes.acknowledged_at,
            last_received: active.liveness.probes.last_received,
            bytes_due: active.bytes_outstanding(),
            rtt: active.liveness.probes.rtt,
            ice: Some(active.ice),
            consented_since: active.liveness.consent.since,
            ..HealthContext::new(Link::Peer, context.settings.platform, self.health.up_since, context.now)
        };
        let checkup = context.policies.health.examine(&log);
        if active.liveness.answers_pings && log.unanswered().next().is_some() {
            active.read_consent(context);
        }
        if checkup.probe {
            if !active.liveness.answers_pings {
                // before the ping, whose own bytes are due until the next reading
                context.peer(active.generation, PeerAction::ReadStats);
            }
            active.ping(context);
        }
        context.timers.set(
            Timer::Checkup(self.remote.key.clone()),
            context.now,
            checkup.again_in.max(SHORTEST_WAIT),
        );
        let doubted = std::mem::replace(&mut self.health.suspect, checkup.health == Health::Suspect);
        context.signaling_probe_requested |= self.health.suspect && !doubted;
        match checkup.health {
            Health::Alive if doubted => self.flush(context),
            Health::Alive | Health::Suspect => {}
            Health::Dead => self.on_fault(Fault::ProbeUnanswered, context),
        }
    }

    pub(crate) fn trust(&mut self) {
        self.health.suspect = false;
    }

    /// Returns how many messages are held and how many samples are kept.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> (usize, usize) {
        (self.delivery.outbox.len() as usize, self.quality.kept())
    }

    /// Says goodbye over the channels and closes everything.
    pub(crate) fn leave(&mut self, context: &mut Context) {
        for connection in self.connections.newest_first() {
            connection.send(ChannelMessage::Bye, context);
        }
        self.close(context);
    }

    /// Says goodbye by way of the server, which is about both directions.
    pub(crate) fn send_bye_to_server(&self, context: &mut Context) {
        if self.remote.address.is_some() {
            context.send_to_server(SignalingMessage::Bye { address: self.remote.address.clone() });
        }
    }

    /// Closes every connection and forgets every deadline.
    pub(crate) fn close(&mut self, context: &mut Context) {
        self.drop_mail(context);
        self.close_connections(context);
        context.timers.clear_peer(&self.remote.key);
    }

    pub(crate) fn close_connections(&mut self, context: &mut Context) {
        self.drop_spare(context);
        for connection in
            [self.connections.active.take(), self.connections.candidate.take()].into_iter().flatten()
        {
            connection.close(context);
        }
    }

    /// Returns whether a broadcast takes another link of the same peer instead of this one.
    pub(crate) fn is_second_to(&self, other: &Self) -> bool {
        self.remote.key.direction == Direction::Viewing
            && other.remote.key.direction == Direction::Publishing
            && self.identity().is_some()
            && self.identity() == other.identity()
    }
}
