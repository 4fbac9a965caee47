//! One peer connection.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::ice::{IceCandidate, IceConnectionState};
use crate::id::{Generation, SessionId};
use crate::message::{ChannelMessage, SignalingMessage, Token};
use crate::peer::liveness::Liveness;
use crate::peer::negotiation::{Lineage, Negotiation};
use crate::peer::remote::RemotePeer;
use crate::port::PeerAction;
use crate::sdp::Description;
use crate::stats::Sample;
use crate::supervisor::context::Context;

/// One peer connection, with its negotiation and the evidence that it lives.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) generation: Generation,
    pub(crate) session: SessionId,
    pub(crate) created_at: Instant,
    /// When ICE was last restarted, or begun: an older ping proves nothing about the path.
    pub(crate) path_since: Instant,
    pub(crate) ice: IceConnectionState,
    pub(crate) channel_open: bool,
    /// Whether the channel's send buffer has room.
    pub(crate) writable: bool,
    /// Whether the hello that the peer sent over this connection is that of a rejoin peer.
    pub(crate) is_rejoin: bool,
    /// Our address at which the peer's packets arrive, as far as it was read.
    pub(crate) local: Option<IpAddr>,
    pub(crate) negotiation: Negotiation,
    pub(crate) liveness: Liveness,
}

impl Connection {
    /// Creates a connection whose ICE begins now.
    pub(crate) fn new(generation: Generation, session: SessionId, now: Instant) -> Self {
        Self {
            generation,
            session,
            created_at: now,
            path_since: now,
            ice: IceConnectionState::New,
            channel_open: false,
            writable: true,
            is_rejoin: false,
            local: None,
            negotiation: Negotiation::default(),
            liveness: Liveness::default(),
        }
    }

    /// Returns whether the channel is open and ICE is connected, which proves nothing yet.
    pub(crate) fn looks_alive(&self) -> bool {
        self.channel_open && self.ice.is_connected()
    }

    /// Returns the time since its creation.
    pub(crate) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.created_at)
    }

    /// Hands the peer's description to the transport.
    pub(crate) fn accept(&mut self, description: Description, context: &mut Context) {
        if self.negotiation.on_remote_description(&description) == Lineage::Restart {
            self.path_since = context.now;
            self.local = None;
        }
        context.peer(self.generation, PeerAction::Accept(description));
    }

    /// Hands those of the peer's candidates to the transport that are new.
    pub(crate) fn add_candidates(&mut self, found: Vec<IceCandidate>, context: &mut Context) {
        let found = self.negotiation.on_remote_candidates(found);
        // a message that only shows the peer's address has none
        if !found.is_empty() {
            context.peer(self.generation, PeerAction::AddCandidates(found));
        }
    }

    /// Returns our half of its negotiation.
    pub(crate) fn signaling(&self, remote: &RemotePeer) -> Vec<SignalingMessage> {
        self.negotiation.messages(&self.session, remote)
    }

    /// Answers a ping of the peer.
    pub(crate) fn on_ping(&mut self, token: Token, context: &mut Context) {
        self.liveness.answered_at = Some(context.now);
        self.send(ChannelMessage::Pong(token), context);
    }

    /// Sends a message over its channel, if that is open.
    pub(crate) fn send(&self, message: ChannelMessage, context: &mut Context) {
        if self.channel_open {
            context.peer(self.generation, PeerAction::Send { tag: 0, message });
        }
    }

    /// Sends a ping over its channel, if that is open.
    pub(crate) fn ping(&mut self, context: &mut Context) {
        if self.channel_open {
            let number = self.liveness.probes.sent(context.now);
            self.send(ChannelMessage::Ping(Token(number.to_string().into())), context);
        }
    }

    /// Asks whether the path carries packets although SCTP delivers nothing.
    pub(crate) fn read_consent(&mut self, context: &mut Context) {
        self.liveness.consent_readings = self.liveness.consent_readings.saturating_add(1);
        context.peer(self.generation, PeerAction::ReadStats);
    }

    /// Records an answered ping and returns when it was sent; `None` if it was not ours or is answered already.
    pub(crate) fn on_pong(&mut self, number: u64, now: Instant) -> Option<Instant> {
        let sent_at = self.liveness.probes.answered(number, now)?;
        self.liveness.answers_pings = true;
        Some(sent_at)
    }

    /// Records a stats sample and returns it, with the pings counted, if it counts for the quality of the link.
    pub(crate) fn on_stats(&mut self, sample: Sample, now: Instant) -> Option<Sample> {
        self.local = sample.local;
        self.liveness.outstanding = Some((sample.bytes_outstanding, now));
        self.liveness.consent.read(sample.responses_received, now);
        let graded = self.liveness.consent_readings == 0;
        self.liveness.consent_readings = self.liveness.consent_readings.saturating_sub(1);
        let (probes_sent, probes_answered) = self.liveness.probes.counts();
        graded.then_some(Sample { probes_sent, probes_answered, ..sample })
    }

    /// Closes it.
    pub(crate) fn close(self, context: &mut Context) {
        context.peer(self.generation, PeerAction::Close);
    }
}
