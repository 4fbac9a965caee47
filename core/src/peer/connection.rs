//! One peer connection, as the machine sees it.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::delivery::Epoch;
use crate::ice::{IceCandidate, IceConnectionState};
use crate::id::{Generation, SessionId};
use crate::message::{ChannelMessage, Token};
use crate::peer::liveness::Liveness;
use crate::peer::negotiation::Negotiation;
use crate::port::PeerAction;
use crate::sdp::Description;
use crate::supervisor::context::Context;

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) generation: Generation,
    pub(crate) session: SessionId,
    pub(crate) created_at: Instant,
    /// When ICE was last restarted, or begun: no older ping says anything about the path.
    pub(crate) path_since: Instant,
    pub(crate) ice: IceConnectionState,
    pub(crate) channel_open: bool,
    /// Whether the channel's send buffer has room.
    pub(crate) writable: bool,
    /// Whether the peer has said over this connection that it is a rejoin peer.
    pub(crate) is_rejoin: bool,
    /// The epoch in which the peer numbers what it sends over this connection; `None` until its hello arrives.
    pub(crate) epoch: Option<Epoch>,
    /// Our address at which the peer's packets arrive, as far as it was read.
    pub(crate) local: Option<IpAddr>,
    pub(crate) negotiation: Negotiation,
    pub(crate) liveness: Liveness,
}

/// Candidates remembered per connection: more than hosts have, and no repetition of more does any harm.
const REMEMBERED: usize = 64;

impl Connection {
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
            epoch: None,
            local: None,
            negotiation: Negotiation::default(),
            liveness: Liveness::default(),
        }
    }

    /// Returns whether everything says connected, which proves nothing yet.
    pub(crate) fn looks_alive(&self) -> bool {
        self.channel_open && self.ice.is_connected()
    }

    pub(crate) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.created_at)
    }

    pub(crate) fn bytes_outstanding(&self) -> u64 {
        self.liveness.outstanding.map_or(0, |(bytes, _)| bytes)
    }

    /// Returns what a remote description means for this connection.
    pub(crate) fn compare(&self, description: &Description) -> Lineage {
        let changed = |known: &Option<String>, told: Option<&str>| match (known, told) {
            (Some(known), Some(told)) => known != told,
            (None, _) | (Some(_), None) => false,
        };
        if changed(&self.negotiation.fingerprint, description.fingerprint()) {
            Lineage::Stranger
        } else if self.negotiation.ice_ufrag.is_some()
            && !changed(&self.negotiation.ice_ufrag, description.ice_ufrag())
        {
            Lineage::Same
        } else {
            Lineage::Restart
        }
    }

    /// Hands the peer's description to the transport and remembers its lineage.
    pub(crate) fn accept(&mut self, description: Description, context: &mut Context) {
        if self.compare(&description) == Lineage::Restart {
            self.path_since = context.now;
            self.negotiation.remote_candidates.clear();
            self.local = None;
        }
        self.negotiation.fingerprint = description.fingerprint().map(str::to_owned);
        self.negotiation.ice_ufrag = description.ice_ufrag().map(str::to_owned);
        context.peer(self.generation, PeerAction::Accept(description));
    }

    /// Hands those of the peer's candidates to the transport that have not come before.
    pub(crate) fn add_candidates(&mut self, mut found: Vec<IceCandidate>, context: &mut Context) {
        found.retain(|candidate| !self.negotiation.remote_candidates.contains(candidate));
        self.negotiation.remote_candidates.extend(
            found.iter().take(REMEMBERED.saturating_sub(self.negotiation.remote_candidates.len())).cloned(),
        );
        // who shows only its address has found nothing
        if !found.is_empty() {
            context.peer(self.generation, PeerAction::AddCandidates(found));
        }
    }

    pub(crate) fn send(&self, message: ChannelMessage, context: &mut Context) {
        if self.channel_open {
            context.peer(self.generation, PeerAction::Send { tag: 0, message });
        }
    }

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

    pub(crate) fn close(self, context: &mut Context) {
        context.peer(self.generation, PeerAction::Close);
    }
}

/// What a remote description means under a known session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lineage {
    /// Nothing new: a repetition, or a renegotiation on the same path.
    Same,
    /// The first description, or an ICE restart by the same DTLS peer.
    Restart,
    /// The DTLS fingerprint changed: somebody else, or the peer rebuilt its end.
    Stranger,
}
