//! Our side of a negotiation: sent when it is ready, and again when the socket that carried it broke.

use crate::fault::Phase;
use crate::ice::IceCandidate;
use crate::id::{Direction, Generation};
use crate::message::{ChannelMessage, SignalingMessage};
use crate::sdp::{Description, SdpType};
use crate::supervisor::desk::Desk;
use crate::supervisor::outage::Progress;
use crate::supervisor::peer_link::PeerLink;

/// What a connection has to tell its peer.
#[derive(Debug, Default)]
pub(super) struct Told {
    description: Option<Description>,
    candidates: Vec<IceCandidate>,
    /// The socket that took it last; `None` while there is none.
    socket: Option<Generation>,
    /// Since which socket the server had found us where it found us then.
    route_since: Option<Generation>,
    /// Whether it is an offer whose answer has not come.
    awaits_answer: bool,
}

impl Told {
    /// Notes an answer and returns whether it was awaited; a second one is not.
    pub(super) fn answered(&mut self) -> bool {
        std::mem::take(&mut self.awaits_answer)
    }
}

impl PeerLink {
    /// Our description is ready: send it the way the peer's came.
    pub(super) fn described(&mut self, generation: Generation, description: Description, desk: &mut Desk) {
        let Some(connection) = self.connection(generation) else { return };
        let over_channel = std::mem::take(&mut connection.answers_over_channel) && connection.channel_open;
        let sdp_type = description.sdp_type;
        let awaits_answer = sdp_type == SdpType::Offer;
        connection.told = Told { description: Some(description), awaits_answer, ..Told::default() };
        if over_channel {
            self.answer_over_channel(generation, desk);
        } else {
            self.tell(generation, desk);
        }
        if self.progress() == Some(Progress::Gathering(generation)) {
            let (progress, phase) = match sdp_type {
                SdpType::Offer => (Progress::Handshake(generation), Phase::OfferAnswer),
                SdpType::Answer => (Progress::Checking(generation), Phase::IceChecking),
            };
            self.enter(progress, Some(phase), desk);
        }
    }

    /// Our candidates are ready.
    pub(super) fn found(&mut self, generation: Generation, candidates: Vec<IceCandidate>, desk: &mut Desk) {
        if let Some(connection) = self.connection(generation) {
            connection.told.candidates.extend(candidates.iter().cloned());
            let message = self.candidates_message(generation, candidates);
            self.say(generation, message, desk);
        }
    }

    /// Repeats what went into a socket that is gone, if the peer may still wait for it.
    pub(super) fn tell_again(&mut self, desk: &mut Desk) {
        let generation = match self.progress() {
            Some(Progress::Handshake(generation) | Progress::Checking(generation)) => generation,
            Some(_) | None => return,
        };
        if self.connection(generation).is_some_and(|connection| connection.told.socket != desk.socket) {
            self.tell(generation, desk);
        }
    }

    /// The peer shows where it is: what we said into its last socket, it may never have heard.
    pub(super) fn peer_has_moved(&mut self, desk: &mut Desk) {
        match self.progress() {
            Some(Progress::Handshake(generation)) => self.tell(generation, desk),
            Some(Progress::AwaitingOffer) => self.ask_for_offer(desk),
            Some(Progress::RestartRequested) => self.request_restart(desk),
            // the pause was for a peer that did not answer
            Some(Progress::Backoff(step)) => self.perform(step, desk),
            Some(
                Progress::Deciding
                | Progress::NoNetwork
                | Progress::NoSignaling
                | Progress::NoRoute
                | Progress::Grace
                | Progress::AskingSignaling
                | Progress::Gathering(_)
                | Progress::Checking(_)
                | Progress::Securing(_)
                | Progress::Verifying(_)
                | Progress::Dormant,
            )
            | None => {}
        }
    }

    /// Sends everything that this connection has to tell, by every way that its negotiation takes.
    pub(super) fn tell(&mut self, generation: Generation, desk: &mut Desk) {
        let Some(connection) = self.connection(generation) else { return };
        connection.told.socket = desk.socket;
        connection.told.route_since = desk.route_since;
        let messages = self.everything(generation);
        self.say(generation, messages, desk);
    }

    fn say(
        &mut self,
        generation: Generation,
        messages: impl IntoIterator<Item = SignalingMessage>,
        desk: &mut Desk,
    ) {
        let takes_channel = self.takes_channel(generation, desk);
        for message in messages {
            if takes_channel {
                self.say_over_channel(message.clone(), desk);
            }
            self.say_to_server(message, desk);
        }
    }

    /// Sends everything that this connection has to tell over the channel of the one in use.
    pub(super) fn tell_over_channel(&self, generation: Generation, desk: &mut Desk) {
        for message in self.everything(generation) {
            self.say_over_channel(message, desk);
        }
    }

    fn everything(&self, generation: Generation) -> Vec<SignalingMessage> {
        let candidates = self.look_up(generation).map(|connection| connection.told.candidates.clone());
        let candidates = self.candidates_message(generation, candidates.unwrap_or_default());
        self.description_message(generation).into_iter().chain(candidates).collect()
    }

    /// Returns whether the peer was told of the active connection from the route that we have.
    pub(super) fn is_known_by_route(&self, desk: &Desk) -> bool {
        self.active.as_ref().is_some_and(|active| active.told.route_since == desk.route_since)
    }

    /// Answers over the very channel whose connection is negotiated.
    fn answer_over_channel(&self, generation: Generation, desk: &mut Desk) {
        if let Some(message) = self.description_message(generation)
            && let Some(connection) = self.look_up(generation)
        {
            connection.send(ChannelMessage::Signaling(message), desk);
        }
    }

    fn description_message(&self, generation: Generation) -> Option<SignalingMessage> {
        let connection = self.look_up(generation)?;
        // an offer names its stream
        let stream = (self.key.direction == Direction::Publishing).then(|| self.stream.clone());
        let (route, session) = (self.route.clone(), Some(connection.session.clone()));
        let description = connection.told.description.clone()?;
        Some(SignalingMessage::Description { route, session, stream, description })
    }

    fn candidates_message(
        &self,
        generation: Generation,
        candidates: Vec<IceCandidate>,
    ) -> Option<SignalingMessage> {
        let connection = self.look_up(generation)?;
        let (route, session) = (self.route.clone(), Some(connection.session.clone()));
        let sender = self.key.direction;
        let some = !candidates.is_empty();
        some.then_some(SignalingMessage::Candidates { route, session, sender, candidates })
    }
}
