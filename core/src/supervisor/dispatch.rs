//! Which link a message is for.

use crate::fault::Fault;
use crate::id::{Direction, Generation, PeerKey, SessionId, SignalingAddress, StreamId};
use crate::message::{AlertKind, ChannelMessage, SignalingMessage, Token};
use crate::output::{Event, Warning};
use crate::peer::connectivity::Connectivity;
use crate::peer::link::PeerLink;
use crate::peer::offer::Offer;
use crate::sdp::{Description, SdpType};
use crate::supervisor::Supervisor;
use crate::supervisor::peers::MOST_PEERS;
use crate::supervisor::timers::Timer;

impl Supervisor {
    /// The room is there (or there is none): claim the streams and let the links go on.
    pub(super) fn intent_replayed(&mut self) {
        if self.context.signaling.socket.is_none() {
            return;
        }
        self.context.timers.clear(&Timer::RoomJoin);
        self.intent.claim(&mut self.context);
        self.context.signaling.ready = true;
        self.await_members_anew();
        let context = &mut self.context;
        self.peers.for_each(|link| link.on_signaling_ready(context));
    }

    pub(super) fn signaling_message(&mut self, message: SignalingMessage) {
        match message {
            SignalingMessage::OfferRequested { address, stream } => self.offer_requested(address, stream),
            SignalingMessage::Description { address, session, stream, description } => {
                let session = session.unwrap_or_else(|| SessionId("".into()));
                match description.sdp_type {
                    SdpType::Offer => self.offered(address, session, stream, description),
                    SdpType::Answer => self.answered(address, &session, description),
                }
            }
            SignalingMessage::Candidates { address, session, sender, candidates } => {
                let direction = opposite(sender);
                let by_session = self.find(direction, session.as_ref(), address.as_ref());
                // a publisher's candidates may be here before its offer
                let found = by_session.or_else(|| match direction {
                    Direction::Viewing => self.find(direction, None, address.as_ref()),
                    Direction::Publishing => None,
                });
                match found {
                    Some(key) => {
                        if let Some(link) = self.peers.link_mut(&key) {
                            link.connectivity.remote.address =
                                address.or(link.connectivity.remote.address.take());
                            link.connectivity.on_candidates(session.as_ref(), candidates, &mut self.context);
                        }
                    }
                    None => self.context.warn(Warning::UnknownSession),
                }
            }
            SignalingMessage::RestartIce { address, session } => {
                let by_session = session.and_then(|one| self.find(Direction::Publishing, Some(&one), None));
                let key = by_session.or_else(|| self.find(Direction::Publishing, None, address.as_ref()));
                if let Some(link) = key.and_then(|key| self.peers.link_mut(&key)) {
                    link.connectivity.remote.address = address.or(link.connectivity.remote.address.take());
                    link.connectivity.on_restart_requested(&mut self.context);
                }
            }
            SignalingMessage::Bye { address } => {
                for key in self.keys_at(address.as_ref()) {
                    self.bye(&key);
                }
            }
            SignalingMessage::Listing { members, .. } => self.listed(members),
            SignalingMessage::Joined(member) => self.joined(member),
            SignalingMessage::Alert { kind, text } => self.alerted(kind, text),
            SignalingMessage::Unknown { request } => self.context.warn(Warning::UnknownRequest { request }),
            // what clients say to servers, and peers over the channel; a server that echoes it says nothing
            SignalingMessage::JoinRoom { .. }
            | SignalingMessage::Present
            | SignalingMessage::Rename
            | SignalingMessage::Seed { .. }
            | SignalingMessage::Play { .. }
            | SignalingMessage::Withdraw { .. }
            | SignalingMessage::Spare { .. } => {}
        }
    }

    pub(super) fn channel_message(&mut self, key: &PeerKey, generation: Generation, message: ChannelMessage) {
        let Some(link) = self.peers.link_mut(key) else { return };
        let context = &mut self.context;
        if let Some(connection) = link.connectivity.connections.by_generation_mut(generation) {
            connection.liveness.probes.last_received = Some(context.now);
        }
        match message {
            ChannelMessage::Hello(hello) => self.on_hello(key, generation, hello),
            ChannelMessage::Ping(token) => {
                if let Some(connection) = link.connectivity.connections.by_generation_mut(generation) {
                    connection.liveness.answered_at = Some(context.now);
                    connection.send(ChannelMessage::Pong(token), context);
                }
                link.connectivity.on_activity(generation, context);
            }
            ChannelMessage::Pong(Token(text)) => {
                if let Ok(number) = text.parse() {
                    link.on_pong(generation, number, context);
                }
                link.connectivity.on_activity(generation, context);
            }
            ChannelMessage::Bye => self.bye_on(key, generation),
            ChannelMessage::Signaling(message) => self.channel_signaling(key, generation, message),
            ChannelMessage::Application(payload) => {
                context.event(Event::Received { from: link.peer(), payload, position: None });
                link.connectivity.on_activity(generation, context);
            }
            ChannelMessage::Delivery(frame) => {
                link.on_frame(frame, generation, context);
                link.connectivity.on_activity(generation, context);
            }
            ChannelMessage::Ignored => link.connectivity.on_activity(generation, context),
        }
    }

    /// Signaling that took the channel is about the link that it came over.
    fn channel_signaling(&mut self, key: &PeerKey, generation: Generation, message: SignalingMessage) {
        let Some(link) = self.peers.link_mut(key) else { return };
        let context = &mut self.context;
        let known = link
            .connectivity
            .connections
            .by_generation_mut(generation)
            .map(|connection| connection.session.clone());
        match message {
            SignalingMessage::Description { session, description, .. } => {
                let Some(session) = session.or(known) else { return };
                match description.sdp_type {
                    SdpType::Offer if link.connectivity.remote.key.direction == Direction::Viewing => {
                        let offer = Offer { address: None, session, description, over_channel: true };
                        link.connectivity.on_offer(offer, context);
                    }
                    SdpType::Offer => context.warn(Warning::UnexpectedOffer { stream: None }),
                    SdpType::Answer => link.connectivity.on_answer(&session, description, context),
                }
            }
            SignalingMessage::Candidates { session, candidates, .. } => {
                link.connectivity.on_candidates(session.or(known).as_ref(), candidates, context);
            }
            SignalingMessage::RestartIce { .. } if link.connectivity.remote.is_rejoin() => {
                link.connectivity.on_offer_requested_over_channel(context)
            }
            SignalingMessage::RestartIce { .. } => link.connectivity.on_restart_requested(context),
            SignalingMessage::Bye { .. } => self.bye_on(key, generation),
            SignalingMessage::Withdraw { session }
                if link.connectivity.connections.replaces_active(generation, &session) =>
            {
                link.connectivity.follow(generation, context);
            }
            SignalingMessage::Withdraw { session } => {
                if !link.connectivity.connections.is_candidate(generation) {
                    link.connectivity.on_withdraw(session, context);
                }
            }
            SignalingMessage::Spare { session } => link.connectivity.on_spare_announced(session, context),
            SignalingMessage::JoinRoom { .. }
            | SignalingMessage::Present
            | SignalingMessage::Rename
            | SignalingMessage::Seed { .. }
            | SignalingMessage::Play { .. }
            | SignalingMessage::OfferRequested { .. }
            | SignalingMessage::Listing { .. }
            | SignalingMessage::Joined(_)
            | SignalingMessage::Alert { .. }
            | SignalingMessage::Unknown { .. } => {}
        }
    }

    pub(super) fn offer_requested(&mut self, address: SignalingAddress, stream: Option<StreamId>) {
        let key = PeerKey { peer: address.0.clone(), direction: Direction::Publishing };
        // a address that names a link is that viewer's first one, taken back
        let known = self.find(Direction::Publishing, None, Some(&address)).unwrap_or_else(|| key.clone());
        if let Some(link) = self.peers.link_mut(&known) {
            link.connectivity.remote.address = Some(address);
            return link.connectivity.on_offer_requested(&mut self.context);
        }
        let ours = stream.filter(|stream| self.intent.streams.contains(stream));
        let Some(stream) = ours.or_else(|| self.intent.streams.first().cloned()) else { return };
        if self.peers.is_full() {
            let text = format!("{MOST_PEERS} peers are served already; a further viewer was not offered to");
            return self.context.warn(Warning::ServerAlert { text });
        }
        let mut link = PeerLink::new(key.clone(), stream, Some(address), &mut self.context);
        link.connectivity.remote.start_expiry(&mut self.context);
        link.connectivity.next_step(&mut self.context);
        self.peers.insert(link);
    }

    fn offered(
        &mut self,
        address: Option<SignalingAddress>,
        session: SessionId,
        stream: Option<StreamId>,
        offer: Description,
    ) {
        let by_session = self.find(Direction::Viewing, Some(&session), None);
        let by_stream = || {
            let peer = stream.as_ref()?.0.clone();
            let key = PeerKey { peer, direction: Direction::Viewing };
            self.peers.contains(&key).then_some(key)
        };
        let key = by_session.or_else(by_stream).or_else(|| match &stream {
            Some(_) => None,
            None => self.find(Direction::Viewing, None, address.as_ref()),
        });
        let key = key.or_else(|| self.view_greeter(stream.as_ref(), address.as_ref()));
        match key.and_then(|key| self.peers.link_mut(&key)) {
            Some(link) => {
                let offer = Offer { address, session, description: offer, over_channel: false };
                link.connectivity.on_offer(offer, &mut self.context);
            }
            None => {
                let stream = stream.map(|stream| stream.to_string());
                self.context.warn(Warning::UnexpectedOffer { stream });
            }
        }
    }

    fn answered(&mut self, address: Option<SignalingAddress>, session: &SessionId, answer: Description) {
        let by_session = self.find(Direction::Publishing, Some(session), None);
        let by_address = || self.find(Direction::Publishing, None, address.as_ref());
        let Some(key) = by_session.or_else(by_address) else {
            return self.context.warn(Warning::UnknownSession);
        };
        if let Some(link) = self.peers.link_mut(&key) {
            if address.is_some() {
                link.connectivity.remote.address = address;
            }
            link.connectivity.on_answer(session, answer, &mut self.context);
        }
    }

    fn bye_on(&mut self, key: &PeerKey, generation: Generation) {
        // a goodbye over a connection that is being replaced is about that connection
        let about_the_old = self.peers.link(key).is_some_and(|link| {
            link.connectivity.connections.candidate.is_some()
                && !link.connectivity.connections.is_candidate(generation)
        });
        if !about_the_old {
            self.bye(key);
        }
    }

    fn bye(&mut self, key: &PeerKey) {
        match key.direction {
            Direction::Publishing => self.remove(key),
            Direction::Viewing => self.with_connectivity(key, Connectivity::on_publisher_left),
        }
    }

    fn alerted(&mut self, kind: AlertKind, text: String) {
        match kind {
            AlertKind::StreamIdInUse => self.retry_claim(Fault::StreamIdInUse),
            AlertKind::UuidInUse => self.retry_claim(Fault::UuidInUse),
            AlertKind::Busy | AlertKind::Other => {}
        }
        self.context.warn(Warning::ServerAlert { text });
    }

    // ---- who is meant

    pub(super) fn find(
        &self,
        direction: Direction,
        session: Option<&SessionId>,
        address: Option<&SignalingAddress>,
    ) -> Option<PeerKey> {
        match (session, address) {
            (Some(session), _) => self.peers.by_session(direction, session).cloned(),
            (None, Some(address)) => self.context.addresses.first(address, direction).cloned(),
            (None, None) => None,
        }
    }

    fn keys_at(&self, address: Option<&SignalingAddress>) -> Vec<PeerKey> {
        address.into_iter().flat_map(|address| self.context.addresses.all(address)).cloned().collect()
    }
}

fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::Publishing => Direction::Viewing,
        Direction::Viewing => Direction::Publishing,
    }
}
