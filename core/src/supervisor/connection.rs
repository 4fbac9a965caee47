//! One peer connection, as the machine sees it.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::delivery::Epoch;
use crate::ice::{IceCandidate, IceConnectionState};
use crate::id::{Generation, SessionId};
use crate::message::{ChannelMessage, Token};
use crate::port::PeerAction;
use crate::sdp::Description;
use crate::supervisor::consent::Consent;
use crate::supervisor::context::Context;
use crate::supervisor::local_signaling::SentSignaling;
use crate::supervisor::probes::Probes;

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) generation: Generation,
    pub(super) session: SessionId,
    pub(super) created_at: Instant,
    /// When ICE was last restarted, or begun: no older ping says anything about the path.
    pub(super) path_since: Instant,
    pub(super) ice: IceConnectionState,
    pub(super) channel_open: bool,
    /// Whether the channel's send buffer has room.
    pub(super) writable: bool,
    /// Whether the local description that is being made answers over the channel.
    pub(super) answers_over_channel: bool,
    /// Whether its negotiation takes the channel of the connection in use, beside the server or instead.
    pub(super) over_channel: bool,
    pub(super) sent_signaling: SentSignaling,
    /// Whether the peer has said over this connection that it is a rejoin peer.
    pub(super) is_rejoin: bool,
    /// Whether the peer has ever answered a ping over this connection.
    pub(super) answers_pings: bool,
    /// When we last answered a ping of the peer's over this connection.
    pub(super) answered_at: Option<Instant>,
    pub(super) probes: Probes,
    /// The epoch in which the peer numbers what it sends over this connection; `None` until it says hello.
    pub(super) epoch: Option<Epoch>,
    /// The address of ours at which the peer is heard, as far as it was read.
    pub(super) local: Option<IpAddr>,
    /// Bytes not acknowledged by the peer's SCTP, and when that was read.
    pub(super) outstanding: Option<(u64, Instant)>,
    pub(super) consent: Consent,
    /// Readings asked for to learn of consent alone, which are no part of the history that is graded.
    pub(super) consent_readings: u32,
    /// The peer's candidates since ICE began, some of which may come twice.
    heard: Vec<IceCandidate>,
    fingerprint: Option<String>,
    ice_ufrag: Option<String>,
}

/// Candidates remembered per connection: more than hosts have, and no repetition of more does any harm.
const REMEMBERED: usize = 64;

impl Connection {
    pub(super) fn new(generation: Generation, session: SessionId, now: Instant) -> Self {
        Self {
            generation,
            session,
            created_at: now,
            path_since: now,
            ice: IceConnectionState::New,
            channel_open: false,
            writable: true,
            answers_over_channel: false,
            over_channel: false,
            sent_signaling: SentSignaling::default(),
            is_rejoin: false,
            answers_pings: false,
            answered_at: None,
            probes: Probes::default(),
            epoch: None,
            local: None,
            outstanding: None,
            consent: Consent::default(),
            consent_readings: 0,
            heard: Vec::new(),
            fingerprint: None,
            ice_ufrag: None,
        }
    }

    /// Returns whether everything says connected, which proves nothing yet.
    pub(super) fn looks_alive(&self) -> bool {
        self.channel_open && self.ice.is_connected()
    }

    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.created_at)
    }

    pub(super) fn bytes_outstanding(&self) -> u64 {
        self.outstanding.map_or(0, |(bytes, _)| bytes)
    }

    /// Returns what a remote description means for this connection.
    pub(super) fn compare(&self, description: &Description) -> Lineage {
        let changed = |known: &Option<String>, told: Option<&str>| match (known, told) {
            (Some(known), Some(told)) => known != told,
            (None, _) | (Some(_), None) => false,
        };
        if changed(&self.fingerprint, description.fingerprint()) {
            Lineage::Stranger
        } else if self.ice_ufrag.is_some() && !changed(&self.ice_ufrag, description.ice_ufrag()) {
            Lineage::Same
        } else {
            Lineage::Restart
        }
    }

    /// Hands the peer's description to the transport and remembers its lineage.
    pub(super) fn accept(&mut self, description: Description, context: &mut Context) {
        if self.compare(&description) == Lineage::Restart {
            self.path_since = context.now;
            self.heard.clear();
            self.local = None;
        }
        self.fingerprint = description.fingerprint().map(str::to_owned);
        self.ice_ufrag = description.ice_ufrag().map(str::to_owned);
        context.peer(self.generation, PeerAction::Accept(description));
    }

    /// Hands those of the peer's candidates to the transport that have not come before.
    pub(super) fn add_candidates(&mut self, mut found: Vec<IceCandidate>, context: &mut Context) {
        found.retain(|candidate| !self.heard.contains(candidate));
        self.heard.extend(found.iter().take(REMEMBERED.saturating_sub(self.heard.len())).cloned());
        // who shows only its address has found nothing
        if !found.is_empty() {
            context.peer(self.generation, PeerAction::AddCandidates(found));
        }
    }

    pub(super) fn send(&self, message: ChannelMessage, context: &mut Context) {
        if self.channel_open {
            context.peer(self.generation, PeerAction::Send { tag: 0, message });
        }
    }

    pub(super) fn ping(&mut self, context: &mut Context) {
        if self.channel_open {
            let number = self.probes.sent(context.now);
            self.send(ChannelMessage::Ping(Token(number.to_string().into())), context);
        }
    }

    /// Asks whether the path carries packets although SCTP delivers nothing.
    pub(super) fn read_consent(&mut self, context: &mut Context) {
        self.consent_readings = self.consent_readings.saturating_add(1);
        context.peer(self.generation, PeerAction::ReadStats);
    }

    pub(super) fn close(self, context: &mut Context) {
        context.peer(self.generation, PeerAction::Close);
    }
}

/// What a remote description means under a known session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lineage {
    /// Nothing new: a repetition, or a renegotiation on the same path.
    Same,
    /// The first description, or an ICE restart by the same DTLS peer.
    Restart,
    /// The DTLS fingerprint changed: somebody else, or the peer rebuilt its end.
    Stranger,
}
