//! Offers, answers, candidates and the peer's own wishes, on one peer link.

use std::time::Duration;

use crate::fault::{Fault, Phase};
use crate::ice::{IceCandidate, IceTransportPolicy, Role};
use crate::id::{Direction, Generation, Route, SessionId};
use crate::message::SignalingMessage;
use crate::output::Warning;
use crate::policy::{Outcome, RecoveryStep};
use crate::port::PeerAction;
use crate::sdp::Description;
use crate::supervisor::connection::{Connection, Lineage};
use crate::supervisor::desk::Desk;
use crate::supervisor::outage::{Outage, Progress};
use crate::supervisor::peer_link::PeerLink;

/// A request for an offer this soon after the last is a repetition (VDO.Ninja web app: twice within 20 ms,
/// and 3 s until it takes a stuck connection for lost).
///
/// Not a rejoin viewer's, which asks while it has no offer and again when it has given up what it had, unless its
/// request took the channel as well.
const REPETITION: Duration = Duration::from_secs(3);

impl PeerLink {
    /// Starts a connection beside the active one.
    pub(super) fn create_candidate(&mut self, session: SessionId, desk: &mut Desk) {
        let generation = desk.generation();
        let role = self.role();
        let setup = desk.setup(role, IceTransportPolicy::All, self.rebuilds);
        desk.peer(generation, PeerAction::Create(setup));
        self.candidate = Some(Connection::new(generation, session, desk.now));
        self.enter(Progress::Gathering(generation), Some(Phase::Gathering), desk);
    }

    pub(super) fn has_session(&self, session: Option<&SessionId>) -> bool {
        let over = session.is_some() && self.over.as_ref() == session;
        over || self.connections().any(|connection| Some(&connection.session) == session)
    }

    /// The publisher offers: a restart under the known session, or a new connection.
    pub(super) fn offered(&mut self, offer: Offer, desk: &mut Desk) {
        if offer.route.is_some() {
            self.route = offer.route.clone();
        }
        if offer.over_channel && self.spare.awaits(&offer.session) {
            return self.answer_spare(offer, desk);
        }
        let known = self.connections().find(|connection| connection.session == offer.session);
        let known = known.map(|one| (one.generation, one.compare(&offer.description)));
        let Offer { ref description, over_channel, .. } = offer;
        match known {
            // a repetition, which came both ways; our answer takes the way that is known to work
            Some((generation, Lineage::Same)) if self.is_rejoin() && over_channel => {
                self.repeated_over_channel(generation, desk);
            }
            Some((generation, Lineage::Same)) if self.speaks_over_channel(generation) => {}
            Some((generation, Lineage::Same)) => {
                // over the channel it renegotiates on a living path; over the socket our answer was lost
                if over_channel {
                    self.accept_offer(generation, description.clone(), true, desk);
                } else {
                    self.tell(generation, desk);
                }
            }
            Some((generation, Lineage::Restart)) => {
                let hedged = self.outage.as_ref().is_some_and(Outage::is_hedged);
                if self.open_outage(Fault::PeerRepairs, desk) || (self.candidate.is_none() && !hedged) {
                    self.begin_unless_under_way(RecoveryStep::RestartIce, desk);
                    self.enter(Progress::Gathering(generation), Some(Phase::Gathering), desk);
                } else if self.is_candidate(generation) {
                    self.enter(Progress::Gathering(generation), Some(Phase::Gathering), desk);
                }
                // over the socket: the transport leaves the old path, and the channel with it, to answer
                self.accept_offer(generation, description.clone(), false, desk);
            }
            Some((_, Lineage::Stranger)) | None => self.new_offer(offer, desk),
        }
    }

    fn new_offer(&mut self, offer: Offer, desk: &mut Desk) {
        let Offer { session, description, over_channel, .. } = offer;
        // over the channel an offer is withdrawn before the next is made, so one beside another is late
        let late = over_channel && self.candidate.is_some() && self.is_rejoin();
        if late || self.turns_away(&session, desk) {
            return;
        }
        self.open_outage(Fault::PeerRepairs, desk);
        self.drop_candidate(desk);
        self.begin_unless_under_way(RecoveryStep::RecreatePeerConnection, desk);
        if !self.is_rejoin() {
            // a foreign publisher has let go of its end already
            if let Some(active) = self.part_with_active(desk) {
                active.close(desk);
            }
        }
        self.create_candidate(session, desk);
        if let Some(candidate) = &mut self.candidate {
            candidate.over_channel = over_channel;
            candidate.accept(description, desk);
            let early = self.early.take(&candidate.session);
            candidate.add_candidates(early, desk);
        }
    }

    pub(super) fn begin_unless_under_way(&mut self, step: RecoveryStep, desk: &mut Desk) {
        if self.outage.as_ref().and_then(|outage| outage.step()) != Some(step) {
            self.begin(step, desk);
        }
    }

    fn accept_offer(
        &mut self,
        generation: Generation,
        offer: Description,
        over_channel: bool,
        desk: &mut Desk,
    ) {
        if let Some(connection) = self.connection(generation) {
            connection.answers_over_channel = over_channel;
            connection.accept(offer, desk);
        }
    }

    /// The viewer answers our offer.
    pub(super) fn answered(&mut self, session: &SessionId, answer: Description, desk: &mut Desk) {
        let waiting = self.progress();
        let Some(connection) =
            self.candidate.iter_mut().chain(&mut self.active).find(|c| c.session == *session)
        else {
            if self.spare_answered(session, &answer, desk) {
                return;
            }
            if self.over.as_ref() != Some(session) {
                desk.warn(Warning::UnknownSession);
            }
            if self.is_rejoin() {
                // it has slept, or is slow: it is there, and may not have heard of our next offer
                self.peer_has_moved(desk);
            }
            return;
        };
        let generation = connection.generation;
        if connection.compare(&answer) == Lineage::Stranger {
            // applying it would wait for ever for a DTLS peer that no longer exists
            self.open_outage(Fault::FingerprintChanged, desk);
            return self.rebuild_now(desk);
        }
        if !connection.told.answered() {
            return;
        }
        connection.accept(answer, desk);
        if waiting == Some(Progress::Handshake(generation)) {
            self.enter(Progress::Checking(generation), Some(Phase::IceChecking), desk);
        }
    }

    /// The peer's candidates.
    pub(super) fn candidates(
        &mut self,
        session: Option<&SessionId>,
        found: Vec<IceCandidate>,
        desk: &mut Desk,
    ) {
        if found.is_empty() && self.is_rejoin() {
            return self.peer_has_moved(desk);
        }
        let spare = self.spare.connection_mut().into_iter();
        let mut connections = self.candidate.iter_mut().chain(&mut self.active).chain(spare);
        let meant =
            connections.find(|connection| session.is_none_or(|session| connection.session == *session));
        match (meant, session) {
            (Some(connection), _) => connection.add_candidates(found, desk),
            (None, Some(session)) if self.over.as_ref() == Some(session) => {}
            (None, Some(session)) if self.key.direction == Direction::Viewing => {
                self.early.hold(session, found);
            }
            (None, _) => desk.warn(Warning::UnknownSession),
        }
    }

    /// Asks the publisher for an ICE restart.
    pub(super) fn request_restart(&self, desk: &mut Desk) {
        let session = self.active.as_ref().map(|active| active.session.clone());
        desk.wish(SignalingMessage::RestartIce { route: self.route.clone(), session });
    }

    /// The server asks us to offer to this viewer (again).
    pub(super) fn offer_requested(&mut self, desk: &mut Desk) {
        let newest = self.connections().next();
        let twice = !self.is_rejoin() || newest.is_some_and(|connection| connection.over_channel);
        let repetition = twice && newest.is_some_and(|connection| connection.age(desk.now) < REPETITION);
        match self.progress() {
            // a rejoin viewer asks again when it lost its socket, and perhaps our offer with it
            Some(Progress::Handshake(generation)) if self.is_rejoin() && self.is_candidate(generation) => {
                self.tell(generation, desk);
            }
            // the offer is about to leave
            Some(Progress::Gathering(generation)) if self.is_rejoin() && self.is_candidate(generation) => {}
            Some(_) | None if repetition => {}
            // the viewer may not have heard our offer; it has until the limit to answer
            Some(Progress::Handshake(generation)) if self.is_candidate(generation) => {
                self.tell(generation, desk);
            }
            // foreign viewers ask every 5 s until they are connected, and a slow path needs longer than that;
            // a rejoin viewer asks when it has given up its end
            Some(
                Progress::Gathering(generation)
                | Progress::Checking(generation)
                | Progress::Securing(generation)
                | Progress::Verifying(generation),
            ) if self.is_candidate(generation) && !self.is_rejoin() => {}
            Some(_) | None => {
                self.open_outage(Fault::PeerRepairs, desk);
                self.rebuild_now(desk);
            }
        }
    }

    /// The viewer asks for an ICE restart.
    pub(super) fn restart_requested(&mut self, desk: &mut Desk) {
        if self.role() != Role::Offerer || self.candidate.is_some() {
            return;
        }
        let restarting = self.progress().is_some_and(|progress| progress.generation().is_some());
        if !restarting && self.active.is_some() {
            self.open_outage(Fault::PeerRepairs, desk);
            self.perform(RecoveryStep::RestartIce, desk);
        }
    }

    /// Rebuilds at once, whatever is under way.
    pub(super) fn rebuild_now(&mut self, desk: &mut Desk) {
        if self.role() == Role::Offerer && !self.is_rejoin() {
            // a foreign viewer drops the old connection when it sees a new session
            if let Some(active) = self.part_with_active(desk) {
                active.close(desk);
            }
        }
        self.recreate(desk);
    }

    /// The stream that we view is there (again): ask for it, unless an answer is on its way.
    pub(super) fn stream_appeared(&mut self, route: Route, desk: &mut Desk) {
        self.route = Some(route);
        match self.progress() {
            Some(
                Progress::AwaitingOffer
                | Progress::Backoff(_)
                | Progress::Dormant
                | Progress::RestartRequested
                | Progress::Deciding
                | Progress::AskingSignaling,
            ) => self.rebuild_now(desk),
            Some(
                Progress::NoNetwork
                | Progress::NoSignaling
                | Progress::NoRoute
                | Progress::Grace
                | Progress::Gathering(_)
                | Progress::Handshake(_)
                | Progress::Checking(_)
                | Progress::Securing(_)
                | Progress::Verifying(_),
            )
            | None => {}
        }
    }

    /// Takes over a connection that was made under another name for the same peer.
    pub(super) fn adopted(&mut self, connection: Connection, desk: &mut Desk) {
        let generation = connection.generation;
        self.open_outage(Fault::PeerRepairs, desk);
        self.drop_candidate(desk);
        self.begin_unless_under_way(RecoveryStep::RecreatePeerConnection, desk);
        self.candidate = Some(connection);
        self.verify(generation, desk);
    }

    /// The publisher said goodbye: wait for its return.
    pub(super) fn publisher_left(&mut self, desk: &mut Desk) {
        if self.connections().next().is_none() {
            // said twice: over the channel and over the socket
            return;
        }
        self.close_connections(desk);
        if !self.open_outage(Fault::PeerLeft, desk)
            && let Some(outage) = &mut self.outage
        {
            outage.end_step(Outcome::Failed, desk.now);
            if let Progress::Backoff(step) = outage.progress {
                // it has just made room for what we were going to ask
                return self.perform(step, desk);
            }
        }
        self.next_step(desk);
    }
}

/// An offer, with all that is known about where it came from.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) route: Option<Route>,
    pub(super) session: SessionId,
    pub(super) description: Description,
    pub(super) over_channel: bool,
}
