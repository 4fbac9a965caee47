//! Our side of a negotiation: sent when it is ready, and again when the socket that carried it broke.

use crate::fault::Phase;
use crate::ice::IceCandidate;
use crate::id::{Direction, Generation};
use crate::message::{ChannelMessage, SignalingMessage};
use crate::peer::link::PeerLink;
use crate::peer::outage::RepairState;
use crate::sdp::{Description, SdpType};
use crate::supervisor::context::Context;

/// What a connection has to tell its peer.
#[derive(Debug, Default)]
pub(crate) struct SentSignaling {
    description: Option<Description>,
    candidates: Vec<IceCandidate>,
    /// The socket that took it last; `None` while there is none.
    socket: Option<Generation>,
    /// Since which socket the server had found us where it found us then.
    address_since: Option<Generation>,
    /// Whether it is an offer whose answer has not come.
    awaits_answer: bool,
}

impl SentSignaling {
    /// Notes an answer and returns whether it was awaited; a second one is not.
    pub(crate) fn answered(&mut self) -> bool {
        std::mem::take(&mut self.awaits_answer)
    }
}

impl PeerLink {
    /// Our description is ready: send it the way the peer's came.
    pub(crate) fn described(
        &mut self,
        generation: Generation,
        description: Description,
        context: &mut Context,
    ) {
        let Some(connection) = self.connections.by_generation_mut(generation) else { return };
        let over_channel =
            std::mem::take(&mut connection.negotiation.answers_over_channel) && connection.channel_open;
        let sdp_type = description.sdp_type;
        let awaits_answer = sdp_type == SdpType::Offer;
        connection.negotiation.sent =
            SentSignaling { description: Some(description), awaits_answer, ..SentSignaling::default() };
        if over_channel {
            self.answer_over_channel(generation, context);
        } else {
            self.tell(generation, context);
        }
        if self.state() == Some(RepairState::Gathering(generation)) {
            let (state, phase) = match sdp_type {
                SdpType::Offer => (RepairState::Handshake(generation), Phase::OfferAnswer),
                SdpType::Answer => (RepairState::Checking(generation), Phase::IceChecking),
            };
            self.enter(state, Some(phase), context);
        }
    }

    /// Our candidates are ready.
    pub(crate) fn found(
        &mut self,
        generation: Generation,
        candidates: Vec<IceCandidate>,
        context: &mut Context,
    ) {
        if let Some(connection) = self.connections.by_generation_mut(generation) {
            connection.negotiation.sent.candidates.extend(candidates.iter().cloned());
            let message = self.candidates_message(generation, candidates);
            self.say(generation, message, context);
        }
    }

    /// Repeats what went into a socket that is gone, if the peer may still wait for it.
    pub(crate) fn resend_negotiation(&mut self, context: &mut Context) {
        let generation = match self.state() {
            Some(RepairState::Handshake(generation) | RepairState::Checking(generation)) => generation,
            Some(_) | None => return,
        };
        if self
            .connections
            .by_generation_mut(generation)
            .is_some_and(|connection| connection.negotiation.sent.socket != context.socket)
        {
            self.tell(generation, context);
        }
    }

    /// The peer shows where it is: what we said into its last socket, it may never have heard.
    pub(crate) fn peer_has_moved(&mut self, context: &mut Context) {
        match self.state() {
            Some(RepairState::Handshake(generation)) => self.tell(generation, context),
            Some(RepairState::AwaitingOffer) => self.ask_for_offer(context),
            Some(RepairState::RestartRequested) => self.request_restart(context),
            // the pause was for a peer that did not answer
            Some(RepairState::Backoff(step)) => self.perform(step, context),
            Some(
                RepairState::Deciding
                | RepairState::NoNetwork
                | RepairState::NoSignaling
                | RepairState::NoAddress
                | RepairState::Grace
                | RepairState::AskingSignaling
                | RepairState::Gathering(_)
                | RepairState::Checking(_)
                | RepairState::Securing(_)
                | RepairState::Verifying(_)
                | RepairState::Dormant,
            )
            | None => {}
        }
    }

    /// Sends everything that this connection has to tell, by every way that its negotiation takes.
    pub(crate) fn tell(&mut self, generation: Generation, context: &mut Context) {
        let Some(connection) = self.connections.by_generation_mut(generation) else { return };
        connection.negotiation.sent.socket = context.socket;
        connection.negotiation.sent.address_since = context.address_since;
        let messages = self.everything(generation);
        self.say(generation, messages, context);
    }

    fn say(
        &mut self,
        generation: Generation,
        messages: impl IntoIterator<Item = SignalingMessage>,
        context: &mut Context,
    ) {
        let takes_channel = self.takes_channel(generation, context);
        for message in messages {
            if takes_channel {
                self.send_over_channel(message.clone(), context);
            }
            self.send_to_server(message, context);
        }
    }

    /// Sends everything that this connection has to tell over the channel of the one in use.
    pub(crate) fn send_negotiation_over_channel(&self, generation: Generation, context: &mut Context) {
        for message in self.everything(generation) {
            self.send_over_channel(message, context);
        }
    }

    fn everything(&self, generation: Generation) -> Vec<SignalingMessage> {
        let candidates = self
            .connections
            .by_generation(generation)
            .map(|connection| connection.negotiation.sent.candidates.clone());
        let candidates = self.candidates_message(generation, candidates.unwrap_or_default());
        self.description_message(generation).into_iter().chain(candidates).collect()
    }

    /// Returns whether the peer was told of the active connection from the address that we have.
    pub(crate) fn is_known_by_address(&self, context: &Context) -> bool {
        self.connections
            .active
            .as_ref()
            .is_some_and(|active| active.negotiation.sent.address_since == context.address_since)
    }

    /// Answers over the very channel whose connection is negotiated.
    fn answer_over_channel(&self, generation: Generation, context: &mut Context) {
        if let Some(message) = self.description_message(generation)
            && let Some(connection) = self.connections.by_generation(generation)
        {
            connection.send(ChannelMessage::Signaling(message), context);
        }
    }

    fn description_message(&self, generation: Generation) -> Option<SignalingMessage> {
        let connection = self.connections.by_generation(generation)?;
        // an offer names its stream
        let stream = (self.remote.key.direction == Direction::Publishing).then(|| self.remote.stream.clone());
        let (address, session) = (self.remote.address.clone(), Some(connection.session.clone()));
        let description = connection.negotiation.sent.description.clone()?;
        Some(SignalingMessage::Description { address, session, stream, description })
    }

    fn candidates_message(
        &self,
        generation: Generation,
        candidates: Vec<IceCandidate>,
    ) -> Option<SignalingMessage> {
        let connection = self.connections.by_generation(generation)?;
        let (address, session) = (self.remote.address.clone(), Some(connection.session.clone()));
        let sender = self.remote.key.direction;
        let some = !candidates.is_empty();
        some.then_some(SignalingMessage::Candidates { address, session, sender, candidates })
    }
}
