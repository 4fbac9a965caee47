//! Offers, answers, candidates and the peer's own wishes, on one peer link.

use std::time::Duration;

use crate::fault::{Fault, Phase};
use crate::ice::{IceCandidate, IceTransportPolicy, Role};
use crate::id::{Direction, Generation, SessionId, SignalingAddress};
use crate::message::SignalingMessage;
use crate::output::Warning;
use crate::peer::connection::{Connection, Lineage};
use crate::peer::link::PeerLink;
use crate::peer::outage::{Outage, RepairState};
use crate::policy::{Outcome, RecoveryStep};
use crate::port::PeerAction;
use crate::sdp::Description;
use crate::supervisor::context::Context;

/// A request for an offer this soon after the last is a repetition (VDO.Ninja web app: twice within 20 ms,
/// and 3 s until it takes a stuck connection for lost).
///
/// Not a rejoin viewer's, which asks while it has no offer and again when it has given up what it had, unless its
/// request took the channel as well.
const REPETITION: Duration = Duration::from_secs(3);

impl PeerLink {
    /// Starts a connection beside the active one.
    pub(crate) fn create_candidate(&mut self, session: SessionId, context: &mut Context) {
        let generation = context.generation();
        let role = self.remote.role();
        let setup = context.setup(role, IceTransportPolicy::All, self.repair.rebuilds);
        context.peer(generation, PeerAction::Create(setup));
        self.connections.candidate = Some(Connection::new(generation, session, context.now));
        self.enter(RepairState::Gathering(generation), Some(Phase::Gathering), context);
    }

    /// The publisher offers: a restart under the known session, or a new connection.
    pub(crate) fn offered(&mut self, offer: Offer, context: &mut Context) {
        if offer.address.is_some() {
            self.remote.address = offer.address.clone();
        }
        if offer.over_channel && self.connections.spare.awaits(&offer.session) {
            return self.answer_spare(offer, context);
        }
        let known = self.connections.newest_first().find(|connection| connection.session == offer.session);
        let known = known.map(|one| (one.generation, one.compare(&offer.description)));
        let Offer { ref description, over_channel, .. } = offer;
        match known {
            // a repetition, which came both ways; our answer takes the way that is known to work
            Some((generation, Lineage::Same)) if self.remote.is_rejoin() && over_channel => {
                self.repeated_over_channel(generation, context);
            }
            Some((generation, Lineage::Same)) if self.speaks_over_channel(generation) => {}
            Some((generation, Lineage::Same)) => {
                // over the channel it renegotiates on a living path; over the socket our answer was lost
                if over_channel {
                    self.accept_offer(generation, description.clone(), true, context);
                } else {
                    self.tell(generation, context);
                }
            }
            Some((generation, Lineage::Restart)) => {
                let hedged = self.repair.outage.as_ref().is_some_and(Outage::is_hedged);
                if self.open_outage(Fault::PeerInitiatedRepair, context)
                    || (self.connections.candidate.is_none() && !hedged)
                {
                    self.begin_unless_under_way(RecoveryStep::RestartIce, context);
                    self.enter(RepairState::Gathering(generation), Some(Phase::Gathering), context);
                } else if self.connections.is_candidate(generation) {
                    self.enter(RepairState::Gathering(generation), Some(Phase::Gathering), context);
                }
                // over the socket: the transport leaves the old path, and the channel with it, to answer
                self.accept_offer(generation, description.clone(), false, context);
            }
            Some((_, Lineage::Stranger)) | None => self.new_offer(offer, context),
        }
    }

    fn new_offer(&mut self, offer: Offer, context: &mut Context) {
        let Offer { session, description, over_channel, .. } = offer;
        // over the channel an offer is withdrawn before the next is made, so one beside another is late
        let late = over_channel && self.connections.candidate.is_some() && self.remote.is_rejoin();
        if late || self.turns_away(&session, context) {
            return;
        }
        self.open_outage(Fault::PeerInitiatedRepair, context);
        self.drop_candidate(context);
        self.begin_unless_under_way(RecoveryStep::RecreatePeerConnection, context);
        if !self.remote.is_rejoin() {
            // a foreign publisher has let go of its end already
            if let Some(active) = self.take_active(context) {
                active.close(context);
            }
        }
        self.create_candidate(session, context);
        if let Some(candidate) = &mut self.connections.candidate {
            candidate.negotiation.over_channel = over_channel;
            candidate.accept(description, context);
            let early_candidates = self.connections.early_candidates.take(&candidate.session);
            candidate.add_candidates(early_candidates, context);
        }
    }

    pub(crate) fn begin_unless_under_way(&mut self, step: RecoveryStep, context: &mut Context) {
        if self.repair.outage.as_ref().and_then(|outage| outage.step()) != Some(step) {
            self.begin(step, context);
        }
    }

    fn accept_offer(
        &mut self,
        generation: Generation,
        offer: Description,
        over_channel: bool,
        context: &mut Context,
    ) {
        if let Some(connection) = self.connections.by_generation_mut(generation) {
            connection.negotiation.answers_over_channel = over_channel;
            connection.accept(offer, context);
        }
    }

    /// The viewer answers our offer.
    pub(crate) fn answered(&mut self, session: &SessionId, answer: Description, context: &mut Context) {
        let waiting = self.state();
        let Some(connection) = self
            .connections
            .candidate
            .iter_mut()
            .chain(&mut self.connections.active)
            .find(|c| c.session == *session)
        else {
            if self.spare_answered(session, &answer, context) {
                return;
            }
            if self.connections.last_closed_session.as_ref() != Some(session) {
                context.warn(Warning::UnknownSession);
            }
            if self.remote.is_rejoin() {
                // it has slept, or is slow: it is there, and may not have heard of our next offer
                self.peer_has_moved(context);
            }
            return;
        };
        let generation = connection.generation;
        if connection.compare(&answer) == Lineage::Stranger {
            // applying it would wait for ever for a DTLS peer that no longer exists
            self.open_outage(Fault::FingerprintChanged, context);
            return self.rebuild_now(context);
        }
        if !connection.negotiation.sent.answered() {
            return;
        }
        connection.accept(answer, context);
        if waiting == Some(RepairState::Handshake(generation)) {
            self.enter(RepairState::Checking(generation), Some(Phase::IceChecking), context);
        }
    }

    /// The peer's candidates.
    pub(crate) fn candidates(
        &mut self,
        session: Option<&SessionId>,
        found: Vec<IceCandidate>,
        context: &mut Context,
    ) {
        if found.is_empty() && self.remote.is_rejoin() {
            return self.peer_has_moved(context);
        }
        let spare = self.connections.spare.connection_mut().into_iter();
        let mut connections =
            self.connections.candidate.iter_mut().chain(&mut self.connections.active).chain(spare);
        let meant =
            connections.find(|connection| session.is_none_or(|session| connection.session == *session));
        match (meant, session) {
            (Some(connection), _) => connection.add_candidates(found, context),
            (None, Some(session)) if self.connections.last_closed_session.as_ref() == Some(session) => {}
            (None, Some(session)) if self.remote.key.direction == Direction::Viewing => {
                self.connections.early_candidates.hold(session, found);
            }
            (None, _) => context.warn(Warning::UnknownSession),
        }
    }

    /// Asks the publisher for an ICE restart.
    pub(crate) fn request_restart(&self, context: &mut Context) {
        let session = self.connections.active.as_ref().map(|active| active.session.clone());
        context
            .send_to_server(SignalingMessage::RestartIce { address: self.remote.address.clone(), session });
    }

    /// The server asks us to offer to this viewer (again).
    pub(crate) fn offer_requested(&mut self, context: &mut Context) {
        let newest = self.connections.newest_first().next();
        let twice =
            !self.remote.is_rejoin() || newest.is_some_and(|connection| connection.negotiation.over_channel);
        let repetition = twice && newest.is_some_and(|connection| connection.age(context.now) < REPETITION);
        match self.state() {
            // a rejoin viewer asks again when it lost its socket, and perhaps our offer with it
            Some(RepairState::Handshake(generation))
                if self.remote.is_rejoin() && self.connections.is_candidate(generation) =>
            {
                self.tell(generation, context);
            }
            // the offer is about to leave
            Some(RepairState::Gathering(generation))
                if self.remote.is_rejoin() && self.connections.is_candidate(generation) => {}
            Some(_) | None if repetition => {}
            // the viewer may not have heard our offer; it has until the limit to answer
            Some(RepairState::Handshake(generation)) if self.connections.is_candidate(generation) => {
                self.tell(generation, context);
            }
            // foreign viewers ask every 5 s until they are connected, and a slow path needs longer than that;
            // a rejoin viewer asks when it has given up its end
            Some(
                RepairState::Gathering(generation)
                | RepairState::Checking(generation)
                | RepairState::Securing(generation)
                | RepairState::Verifying(generation),
            ) if self.connections.is_candidate(generation) && !self.remote.is_rejoin() => {}
            Some(_) | None => {
                self.open_outage(Fault::PeerInitiatedRepair, context);
                self.rebuild_now(context);
            }
        }
    }

    /// The viewer asks for an ICE restart.
    pub(crate) fn restart_requested(&mut self, context: &mut Context) {
        if self.remote.role() != Role::Offerer || self.connections.candidate.is_some() {
            return;
        }
        let restarting = self.state().is_some_and(|state| state.generation().is_some());
        if !restarting && self.connections.active.is_some() {
            self.open_outage(Fault::PeerInitiatedRepair, context);
            self.perform(RecoveryStep::RestartIce, context);
        }
    }

    /// Rebuilds at once, whatever is under way.
    pub(crate) fn rebuild_now(&mut self, context: &mut Context) {
        if self.remote.role() == Role::Offerer && !self.remote.is_rejoin() {
            // a foreign viewer drops the old connection when it sees a new session
            if let Some(active) = self.take_active(context) {
                active.close(context);
            }
        }
        self.recreate(context);
    }

    /// The stream that we view is there (again): ask for it, unless an answer is on its way.
    pub(crate) fn stream_appeared(&mut self, address: SignalingAddress, context: &mut Context) {
        self.remote.address = Some(address);
        match self.state() {
            Some(
                RepairState::AwaitingOffer
                | RepairState::Backoff(_)
                | RepairState::Dormant
                | RepairState::RestartRequested
                | RepairState::Deciding
                | RepairState::AskingSignaling,
            ) => self.rebuild_now(context),
            Some(
                RepairState::NoNetwork
                | RepairState::NoSignaling
                | RepairState::NoAddress
                | RepairState::Grace
                | RepairState::Gathering(_)
                | RepairState::Handshake(_)
                | RepairState::Checking(_)
                | RepairState::Securing(_)
                | RepairState::Verifying(_),
            )
            | None => {}
        }
    }

    /// Takes over a connection that was made under another name for the same peer.
    pub(crate) fn adopted(&mut self, connection: Connection, context: &mut Context) {
        let generation = connection.generation;
        self.open_outage(Fault::PeerInitiatedRepair, context);
        self.drop_candidate(context);
        self.begin_unless_under_way(RecoveryStep::RecreatePeerConnection, context);
        self.connections.candidate = Some(connection);
        self.verify(generation, context);
    }

    /// The publisher said goodbye: wait for its return.
    pub(crate) fn publisher_left(&mut self, context: &mut Context) {
        if self.connections.newest_first().next().is_none() {
            // said twice: over the channel and over the socket
            return;
        }
        self.close_connections(context);
        if !self.open_outage(Fault::PeerLeft, context)
            && let Some(outage) = &mut self.repair.outage
        {
            outage.end_step(Outcome::Failed, context.now);
            if let RepairState::Backoff(step) = outage.state {
                // it has just made room for what we were going to ask
                return self.perform(step, context);
            }
        }
        self.next_step(context);
    }
}

/// An offer, with all that is known about where it came from.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) address: Option<SignalingAddress>,
    pub(crate) session: SessionId,
    pub(crate) description: Description,
    pub(crate) over_channel: bool,
}
