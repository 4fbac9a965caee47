//! Which ways the words of a negotiation take: the server's, the living channel's, or both while the server is in doubt.
//!
//! Only what builds a new connection between rejoin peers goes over the channel, never what ends the path under it:
//! an ICE restart would take with it the answer that it waits for.

use crate::fault::Fault;
use crate::ice::{IceCandidate, Role};
use crate::id::{Generation, SessionId};
use crate::message::{ChannelMessage, SignalingMessage};
use crate::peer::link::PeerLink;
use crate::peer::outage::RepairState;
use crate::policy::RecoveryStep;
use crate::supervisor::context::Context;

impl PeerLink {
    /// Returns whether a rejoin peer hears us over the channel in use: what is said into a dead one comes late.
    pub(crate) fn channel_is_live(&self) -> bool {
        let Some(active) = self.connections.active.as_ref().filter(|active| active.looks_alive()) else {
            return false;
        };
        let believed = match &self.repair.outage {
            None => !self.health.suspect,
            Some(outage) => {
                let heard_at = active.liveness.probes.last_received;
                // the word that opened the outage may have come this way
                let asked =
                    outage.fault == Fault::PeerInitiatedRepair && heard_at == Some(outage.detected_at);
                let works_badly = matches!(outage.fault, Fault::QualityPoor | Fault::Requested);
                works_badly || asked || heard_at > Some(outage.detected_at)
            }
        };
        self.remote.is_rejoin() && believed
    }

    /// Returns whether the server can bring the peer a word of ours.
    fn server_reaches(&self, context: &Context) -> bool {
        context.signaling_ready && (self.remote.role() == Role::Answerer || self.remote.address.is_some())
    }

    /// Returns whether there is a way to negotiate with the peer.
    pub(crate) fn can_negotiate(&self, context: &Context) -> bool {
        self.server_reaches(context) || self.channel_is_live()
    }

    /// Returns the step that can be negotiated: over the channel alone, a new connection instead of a restart.
    pub(crate) fn negotiable(&self, step: RecoveryStep, context: &Context) -> RecoveryStep {
        match step {
            RecoveryStep::RestartIce | RecoveryStep::RestartIceViaRelay
                if !self.server_reaches(context) && self.channel_is_live() =>
            {
                RecoveryStep::RecreatePeerConnection
            }
            RecoveryStep::Wait
            | RecoveryStep::MoveToSpare
            | RecoveryStep::RestartIce
            | RecoveryStep::RestartIceViaRelay
            | RecoveryStep::RecreatePeerConnection
            | RecoveryStep::ReconnectSignaling
            | RecoveryStep::GiveUp => step,
        }
    }

    /// Notes whether this connection's negotiation takes the channel of the one in use, and returns it.
    pub(crate) fn takes_channel(&mut self, generation: Generation, context: &Context) -> bool {
        let works = self.channel_is_live();
        let in_doubt = context.signaling_in_doubt() || self.remote.address.is_none();
        self.connections
            .candidate
            .as_mut()
            .filter(|candidate| candidate.generation == generation)
            .is_some_and(|candidate| {
                candidate.negotiation.over_channel |= works && in_doubt;
                works && candidate.negotiation.over_channel
            })
    }

    /// Says something by way of the server, if that is possible.
    pub(crate) fn send_to_server(&self, message: SignalingMessage, context: &mut Context) {
        if self.remote.address.is_some() {
            context.send_to_server(message);
        }
    }

    /// Says something over the channel in use.
    pub(crate) fn send_over_channel(&self, message: SignalingMessage, context: &mut Context) {
        if let Some(active) = &self.connections.active {
            active.send(ChannelMessage::Signaling(message), context);
        }
    }

    /// Asks for an offer: with `play`, and over a living channel if that may get lost.
    ///
    /// Over the channel the wish for an ICE restart asks for a new connection: a restart could not be answered there.
    pub(crate) fn ask_for_offer(&self, context: &mut Context) {
        if self.channel_is_live() && context.signaling_in_doubt() {
            let session = self.connections.active.as_ref().map(|active| active.session.clone());
            self.send_over_channel(SignalingMessage::RestartIce { address: None, session }, context);
        }
        context.send_to_server(SignalingMessage::Play { stream: self.remote.stream.clone() });
    }

    /// A rejoin viewer asks for a new connection over the channel.
    pub(crate) fn offer_requested_over_channel(&mut self, context: &mut Context) {
        let making = self.connections.candidate.as_ref().map(|candidate| candidate.generation);
        match (self.remote.role(), making) {
            (Role::Answerer, _) => {}
            // it comes over the server as well, which the viewer may not hear
            (Role::Offerer, Some(generation)) => self.repeated_over_channel(generation, context),
            (Role::Offerer, None) => {
                self.open_outage(Fault::PeerInitiatedRepair, context);
                self.rebuild_now(context);
                if let Some(candidate) = &mut self.connections.candidate {
                    candidate.negotiation.over_channel = true;
                }
            }
        }
    }

    /// The peer speaks of this connection over the channel: what it may have missed goes the same way, once.
    pub(crate) fn repeated_over_channel(&mut self, generation: Generation, context: &mut Context) {
        let Some(candidate) = self.connections.candidate.as_mut().filter(|one| one.generation == generation)
        else {
            return;
        };
        if std::mem::replace(&mut candidate.negotiation.over_channel, true) {
            return;
        }
        let waits = matches!(self.state(), Some(RepairState::Handshake(_) | RepairState::Checking(_)));
        if waits && self.channel_is_live() {
            self.send_negotiation_over_channel(generation, context);
        }
    }

    /// Returns whether our half of a negotiation has gone over the channel, where nothing is lost.
    pub(crate) fn speaks_over_channel(&self, generation: Generation) -> bool {
        self.connections
            .by_generation(generation)
            .is_some_and(|connection| connection.negotiation.over_channel)
            && self.channel_is_live()
    }
}

/// The peer's candidates for a session whose offer has not come yet.
#[derive(Debug, Default)]
pub(crate) struct EarlyCandidates {
    session: Option<SessionId>,
    candidates: Vec<IceCandidate>,
}

/// More candidates than hosts have; the rest is found by checking.
const MOST_EARLY: usize = 32;

impl EarlyCandidates {
    /// Keeps candidates of the newest unknown session, within bounds.
    pub(crate) fn hold(&mut self, session: &SessionId, found: Vec<IceCandidate>) {
        if self.session.as_ref() != Some(session) {
            *self = Self { session: Some(session.clone()), candidates: Vec::new() };
        }
        let room = MOST_EARLY.saturating_sub(self.candidates.len());
        self.candidates.extend(found.into_iter().take(room));
    }

    /// Returns what came for `session`.
    pub(crate) fn take(&mut self, session: &SessionId) -> Vec<IceCandidate> {
        let kept = std::mem::take(self);
        if kept.session.as_ref() == Some(session) { kept.candidates } else { Vec::new() }
    }
}
