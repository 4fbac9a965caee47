//! Signaling on a link: offers, answers and candidates of both sides, through the server or over the active channel.
//!
//! Between rejoin peers, what builds a new connection goes over the active channel while the server is in doubt.
//! An ICE restart never does: it ends the path under the channel, and with it the answer that it waits for.

use std::time::Duration;

use crate::fault::{Fault, Phase};
use crate::ice::{IceCandidate, IceTransportPolicy, Role};
use crate::id::{Direction, Generation, SessionId, SignalingAddress};
use crate::message::{ChannelMessage, SignalingMessage};
use crate::output::Warning;
use crate::peer::connectivity::Connectivity;
use crate::peer::negotiation::Lineage;
use crate::peer::offer::Offer;
use crate::peer::repair_state::RepairState;
use crate::policy::{Outcome, RecoveryStep};
use crate::sdp::{Description, SdpType};
use crate::supervisor::context::Context;

/// A request for an offer this soon after the last is a repetition (VDO.Ninja web app: twice within 20 ms,
/// and 3 s until it takes a stuck connection for lost).
///
/// Not a rejoin viewer's: it asks while it has no offer, and again when it has closed its end, unless its request
/// went over the channel as well.
const REPETITION: Duration = Duration::from_secs(3);

impl Connectivity {
    // ---- the publisher's side of the wire, as the viewer receives it

    /// The publisher offers: a restart under the known session, or a new connection.
    pub(crate) fn on_offer(&mut self, offer: Offer, context: &mut Context) {
        if offer.address.is_some() {
            self.remote.address = offer.address.clone();
        }
        if offer.over_channel && self.connections.spare.awaits(&offer.session) {
            self.drop_spare(context);
            let Offer { session, description, .. } = offer;
            return self.connections.answer_spare(session, description, &self.remote, context);
        }
        let known = self.connections.newest_first().find(|one| one.session == offer.session);
        let known = known.map(|one| (one.generation, one.negotiation.compare(&offer.description)));
        let over_channel = offer.over_channel;
        match known {
            // a repetition, which came both ways; our answer takes the way that is known to work
            Some((generation, Lineage::Same)) if self.remote.is_rejoin() && over_channel => {
                self.repeat_over_channel(generation, context);
            }
            Some((generation, Lineage::Same))
                if self.connections.speaks_over_channel(generation, self.channel_is_live()) => {}
            Some((generation, Lineage::Same)) => {
                // over the channel it renegotiates on a living path; over the socket our answer was lost
                if over_channel {
                    self.accept_offer(generation, offer, context);
                } else {
                    self.send_negotiation(generation, context);
                }
            }
            Some((generation, Lineage::Restart)) => {
                let hedged = self.repair.is_hedged();
                if self.open_outage(Fault::PeerInitiatedRepair, context)
                    || (self.connections.candidate.is_none() && !hedged)
                {
                    self.begin_unless_under_way(RecoveryStep::RestartIce, context);
                    self.enter(RepairState::Gathering(generation), Some(Phase::Gathering), context);
                } else if self.connections.is_candidate(generation) {
                    self.enter(RepairState::Gathering(generation), Some(Phase::Gathering), context);
                }
                // over the socket: the transport leaves the old path, and the channel with it, to answer
                self.accept_offer(generation, Offer { over_channel: false, ..offer }, context);
            }
            Some((_, Lineage::Stranger)) | None => self.on_new_offer(offer, context),
        }
    }

    fn on_new_offer(&mut self, offer: Offer, context: &mut Context) {
        let Offer { session, description, over_channel, .. } = offer;
        // over the channel an offer is withdrawn before the next is made, so one beside another is late
        let late = over_channel && self.connections.candidate.is_some() && self.remote.is_rejoin();
        if late || self.rejects_offer(&session, context) {
            return;
        }
        self.open_outage(Fault::PeerInitiatedRepair, context);
        self.drop_candidate(context);
        self.begin_unless_under_way(RecoveryStep::RecreatePeerConnection, context);
        if !self.remote.is_rejoin() {
            // a foreign publisher has closed its end already
            self.close_active(context);
        }
        self.create_candidate(session, context);
        if let Some(candidate) = &mut self.connections.candidate {
            candidate.negotiation.over_channel = over_channel;
            candidate.accept(description, context);
            let early = self.connections.early_candidates.take(&candidate.session);
            candidate.add_candidates(early, context);
        }
    }

    /// Returns whether an offer for a new connection is late, and withdraws it if the peer cannot know.
    fn rejects_offer(&mut self, session: &SessionId, context: &mut Context) -> bool {
        if self.remote.is_rejoin() && self.connections.withdrawn.as_ref() == Some(session) {
            return true;
        }
        let unneeded = self.repair.is_offer_unneeded(context.now);
        if unneeded {
            self.connections.send_withdraw(session.clone(), &self.remote, context);
        }
        unneeded
    }

    fn accept_offer(&mut self, generation: Generation, offer: Offer, context: &mut Context) {
        if let Some(connection) = self.connections.by_generation_mut(generation) {
            connection.negotiation.answers_over_channel = offer.over_channel;
            connection.accept(offer.description, context);
        }
    }

    /// The stream that we view is there (again): ask for it, unless an answer is on its way.
    pub(crate) fn on_stream_appeared(&mut self, address: SignalingAddress, context: &mut Context) {
        self.remote.address = Some(address);
        if self.repair.state().is_some_and(RepairState::awaits_stream) {
            self.rebuild_now(context);
        }
    }

    /// The publisher said goodbye: wait for its return.
    pub(crate) fn on_publisher_left(&mut self, context: &mut Context) {
        if self.connections.newest_first().next().is_none() {
            // a repetition: it is sent over the channel and over the socket
            return;
        }
        self.close_connections(context);
        if !self.open_outage(Fault::PeerLeft, context) {
            self.repair.end_step(Outcome::Failed, context.now);
            if let Some(RepairState::Backoff(step)) = self.repair.state() {
                // it has just made room for what we were going to ask
                return self.perform(step, context);
            }
        }
        self.next_step(context);
    }

    // ---- the viewer's side of the wire, as the publisher receives it

    /// The viewer answers our offer.
    pub(crate) fn on_answer(&mut self, session: &SessionId, answer: Description, context: &mut Context) {
        let connections = &mut self.connections;
        let mut all = connections.candidate.iter_mut().chain(&mut connections.active);
        let Some(connection) = all.find(|connection| connection.session == *session) else {
            return self.on_unknown_answer(session, &answer, context);
        };
        let generation = connection.generation;
        if connection.negotiation.compare(&answer) == Lineage::Stranger {
            // applying it would wait for ever for a DTLS peer that does not exist any more
            self.open_outage(Fault::FingerprintChanged, context);
            return self.rebuild_now(context);
        }
        if !connection.negotiation.on_answer() {
            return;
        }
        connection.accept(answer, context);
        if self.repair.state() == Some(RepairState::Handshake(generation)) {
            self.enter(RepairState::Checking(generation), Some(Phase::IceChecking), context);
        }
    }

    fn on_unknown_answer(&mut self, session: &SessionId, answer: &Description, context: &mut Context) {
        if self.connections.on_spare_answer(session, answer, context) {
            return;
        }
        if self.connections.last_closed_session.as_ref() != Some(session) {
            context.warn(Warning::UnknownSession);
        }
        if self.remote.is_rejoin() {
            // it was suspended, or is slow: it is there, and may not have received our next offer
            self.on_peer_moved(context);
        }
    }

    /// The server asks us to offer to this viewer (again).
    pub(crate) fn on_offer_requested(&mut self, context: &mut Context) {
        let rejoin = self.remote.is_rejoin();
        let newest = self.connections.newest_first().next();
        let twice = !rejoin || newest.is_some_and(|connection| connection.negotiation.over_channel);
        let repetition = twice && newest.is_some_and(|connection| connection.age(context.now) < REPETITION);
        let state = self.repair.state();
        let on_candidate = state
            .and_then(RepairState::generation)
            .is_some_and(|generation| self.connections.is_candidate(generation));
        match state {
            // a rejoin viewer asks again when it lost its socket, and perhaps our offer with it;
            // a foreign one may not have received our offer, and has until the limit to answer
            Some(RepairState::Handshake(generation)) if on_candidate && (rejoin || !repetition) => {
                self.send_negotiation(generation, context);
            }
            // the offer is about to leave
            Some(RepairState::Gathering(_)) if on_candidate && rejoin => {}
            Some(_) | None if repetition => {}
            // foreign viewers ask every 5 s until they are connected, and a slow path needs longer than that;
            // a rejoin viewer asks when it has closed its end
            Some(
                RepairState::Gathering(_)
                | RepairState::Checking(_)
                | RepairState::Securing(_)
                | RepairState::Verifying(_),
            ) if on_candidate && !rejoin => {}
            Some(_) | None => {
                self.open_outage(Fault::PeerInitiatedRepair, context);
                self.rebuild_now(context);
            }
        }
    }

    /// A rejoin viewer asks for a new connection over the channel.
    pub(crate) fn on_offer_requested_over_channel(&mut self, context: &mut Context) {
        let candidate = self.connections.candidate.as_ref().map(|candidate| candidate.generation);
        match (self.remote.role(), candidate) {
            (Role::Answerer, _) => {}
            // the offer goes through the server as well, which may not reach the viewer
            (Role::Offerer, Some(generation)) => self.repeat_over_channel(generation, context),
            (Role::Offerer, None) => {
                self.open_outage(Fault::PeerInitiatedRepair, context);
                self.rebuild_now(context);
                if let Some(candidate) = &mut self.connections.candidate {
                    candidate.negotiation.over_channel = true;
                }
            }
        }
    }

    /// The viewer asks for an ICE restart.
    pub(crate) fn on_restart_requested(&mut self, context: &mut Context) {
        if self.remote.role() != Role::Offerer || self.connections.candidate.is_some() {
            return;
        }
        let restarting = self.repair.state().and_then(RepairState::generation).is_some();
        if !restarting && self.connections.active.is_some() {
            self.open_outage(Fault::PeerInitiatedRepair, context);
            self.perform(RecoveryStep::RestartIce, context);
        }
    }

    // ---- both sides

    /// The peer's candidates, or only its address.
    pub(crate) fn on_candidates(
        &mut self,
        session: Option<&SessionId>,
        found: Vec<IceCandidate>,
        context: &mut Context,
    ) {
        if found.is_empty() && self.remote.is_rejoin() {
            return self.on_peer_moved(context);
        }
        let connections = &mut self.connections;
        let spare = connections.spare.connection_mut().into_iter();
        let mut all = connections.candidate.iter_mut().chain(&mut connections.active).chain(spare);
        match (all.find(|one| session.is_none_or(|session| one.session == *session)), session) {
            (Some(connection), _) => connection.add_candidates(found, context),
            (None, Some(session)) if connections.last_closed_session.as_ref() == Some(session) => {}
            (None, Some(session)) if self.remote.key.direction == Direction::Viewing => {
                connections.early_candidates.hold(session, found);
            }
            (None, _) => context.warn(Warning::UnknownSession),
        }
    }

    /// The peer has closed a connection, and keeps the one that carried this.
    pub(crate) fn on_withdraw(&mut self, session: SessionId, context: &mut Context) {
        if self.connections.spare.has(&session) {
            return self.drop_spare(context);
        }
        let ended = self.connections.candidate.take_if(|candidate| candidate.session == session);
        self.connections.withdrawn = Some(session);
        if let Some(candidate) = ended {
            self.connections.close(candidate, context);
            self.return_to_active(Outcome::Superseded, context);
        }
    }

    /// The peer offers a spare, or asks for one.
    pub(crate) fn on_spare_announced(&mut self, session: Option<SessionId>, context: &mut Context) {
        let up = self.is_up();
        self.connections.on_spare_announced(session, &self.remote, up, context);
    }

    /// The peer shows where it is: it may not have received what we sent into its last socket.
    pub(crate) fn on_peer_moved(&mut self, context: &mut Context) {
        match self.repair.state() {
            Some(RepairState::Handshake(generation)) => self.send_negotiation(generation, context),
            Some(RepairState::AwaitingOffer) => self.request_offer(context),
            Some(RepairState::RestartRequested) => self.connections.request_restart(&self.remote, context),
            // the pause was for a peer that did not answer
            Some(RepairState::Backoff(step)) => self.perform(step, context),
            Some(_) | None => {}
        }
    }

    // ---- our half

    /// Starts a connection beside the active one.
    pub(crate) fn create_candidate(&mut self, session: SessionId, context: &mut Context) {
        let setup = context.setup(self.remote.role(), IceTransportPolicy::All, self.repair.rebuilds);
        let generation = self.connections.create_candidate(session, setup, context);
        self.enter(RepairState::Gathering(generation), Some(Phase::Gathering), context);
    }

    /// Our description is ready: send it the way the peer's came.
    pub(crate) fn on_local_description(
        &mut self,
        generation: Generation,
        description: Description,
        context: &mut Context,
    ) {
        let Some(connection) = self.connections.by_generation_mut(generation) else { return };
        let negotiation = &mut connection.negotiation;
        let over_channel = std::mem::take(&mut negotiation.answers_over_channel) && connection.channel_open;
        let sdp_type = description.sdp_type;
        negotiation.on_local_description(description);
        if over_channel {
            // the channel of the very connection that is negotiated
            if let Some(message) = negotiation.description_message(&connection.session, &self.remote) {
                connection.send(ChannelMessage::Signaling(message), context);
            }
        } else {
            self.send_negotiation(generation, context);
        }
        if self.repair.state() == Some(RepairState::Gathering(generation)) {
            let (state, phase) = match sdp_type {
                SdpType::Offer => (RepairState::Handshake(generation), Phase::OfferAnswer),
                SdpType::Answer => (RepairState::Checking(generation), Phase::IceChecking),
            };
            self.enter(state, Some(phase), context);
        }
    }

    /// Our candidates are ready.
    pub(crate) fn on_local_candidates(
        &mut self,
        generation: Generation,
        candidates: Vec<IceCandidate>,
        context: &mut Context,
    ) {
        let message = self.connections.on_local_candidates(generation, candidates, &self.remote);
        self.send_signaling(generation, message, context);
    }

    /// Sends our half of a connection's negotiation, by every way that it takes.
    pub(super) fn send_negotiation(&mut self, generation: Generation, context: &mut Context) {
        let messages = self.connections.start_negotiation(generation, &self.remote, context);
        self.send_signaling(generation, messages, context);
    }

    fn send_signaling(
        &mut self,
        generation: Generation,
        messages: impl IntoIterator<Item = SignalingMessage>,
        context: &mut Context,
    ) {
        let live = self.channel_is_live();
        let takes_channel = self.connections.takes_channel(generation, live, &self.remote, context);
        for message in messages {
            if takes_channel {
                self.connections.send_over_channel(message.clone(), context);
            }
            self.remote.send_to_server(message, context);
        }
    }

    /// Sends our half of a connection's negotiation again if it went into a socket that is gone.
    pub(crate) fn resend_negotiation(&mut self, generation: Generation, context: &mut Context) {
        if self.connections.is_sent_to_old_socket(generation, context) {
            self.send_negotiation(generation, context);
        }
    }

    /// The peer signals about a connection over the channel: what it may have missed goes the same way, once.
    fn repeat_over_channel(&mut self, generation: Generation, context: &mut Context) {
        let begins = self.connections.begin_over_channel(generation);
        let waits = matches!(self.repair.state(), Some(RepairState::Handshake(_) | RepairState::Checking(_)));
        if begins && waits && self.channel_is_live() {
            self.connections.send_negotiation_over_channel(generation, &self.remote, context);
        }
    }

    /// Asks the publisher for an offer.
    pub(crate) fn request_offer(&self, context: &mut Context) {
        self.connections.request_offer(self.channel_is_live(), &self.remote, context);
    }
}
