//! Which link a message is for.

use crate::fault::Fault;
use crate::id::{Direction, Generation, PeerKey, Route, SessionId, StreamId};
use crate::message::{AlertKind, ChannelMessage, SignalingMessage, Token};
use crate::output::{Event, Warning};
use crate::sdp::{Description, SdpType};
use crate::supervisor::mail::Numbered;
use crate::supervisor::negotiation::Offer;
use crate::supervisor::peer_link::PeerLink;
use crate::supervisor::{Supervisor, Timer};

/// Peers served at once; strangers cannot make us open more connections than that.
pub(super) const MOST_PEERS: usize = 512;

impl Supervisor {
    /// The room is there (or there is none): claim the streams and let the links go on.
    pub(super) fn wish_replayed(&mut self) {
        if self.desk.socket.is_none() {
            return;
        }
        self.desk.timers.clear(&Timer::RoomJoin);
        self.intent.claim(&mut self.desk);
        self.desk.signaling_ready = true;
        self.await_members_anew();
        for link in self.peers.values_mut() {
            link.signaling_ready(&mut self.desk);
        }
    }

    pub(super) fn signaling_message(&mut self, message: SignalingMessage) {
        match message {
            SignalingMessage::OfferRequested { route, stream } => self.offer_requested(route, stream),
            SignalingMessage::Description { route, session, stream, description } => {
                let session = session.unwrap_or_else(|| SessionId("".into()));
                match description.sdp_type {
                    SdpType::Offer => self.offered(route, session, stream, description),
                    SdpType::Answer => self.answered(route, &session, description),
                }
            }
            SignalingMessage::Candidates { route, session, sender, candidates } => {
                let direction = opposite(sender);
                let by_session = self.find(direction, session.as_ref(), route.as_ref());
                // a publisher's candidates may be here before its offer
                let by_route = || match direction {
                    Direction::Viewing => self.find(direction, None, route.as_ref()),
                    Direction::Publishing => None,
                };
                match by_session.or_else(by_route) {
                    Some(key) => {
                        if let Some(link) = self.peers.get_mut(&key) {
                            link.route = route.or(link.route.take());
                            link.candidates(session.as_ref(), candidates, &mut self.desk);
                        }
                    }
                    None => self.desk.warn(Warning::UnknownSession),
                }
            }
            SignalingMessage::RestartIce { route, session } => {
                let by_session = session.and_then(|one| self.find(Direction::Publishing, Some(&one), None));
                let key = by_session.or_else(|| self.find(Direction::Publishing, None, route.as_ref()));
                if let Some(link) = key.and_then(|key| self.peers.get_mut(&key)) {
                    link.route = route.or(link.route.take());
                    link.restart_requested(&mut self.desk);
                }
            }
            SignalingMessage::Bye { route } => {
                for key in self.routed(route.as_ref()) {
                    self.bye(&key);
                }
            }
            SignalingMessage::Listing { members, .. } => self.listed(members),
            SignalingMessage::Joined(member) => self.joined(member),
            SignalingMessage::Alert { kind, text } => self.alerted(kind, text),
            SignalingMessage::Unknown { request } => self.desk.warn(Warning::UnknownRequest { request }),
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
        let Some(link) = self.peers.get_mut(key) else { return };
        let desk = &mut self.desk;
        if let Some(connection) = link.connection(generation) {
            connection.probes.last_received = Some(desk.now);
        }
        match message {
            ChannelMessage::Hello(hello) => self.met(key, generation, hello),
            ChannelMessage::Ping(token) => {
                if let Some(connection) = link.connection(generation) {
                    connection.answered_at = Some(desk.now);
                    connection.send(ChannelMessage::Pong(token), desk);
                }
                link.stirred(generation, desk);
            }
            ChannelMessage::Pong(Token(text)) => {
                if let Ok(number) = text.parse() {
                    link.pong(generation, number, desk);
                }
                link.stirred(generation, desk);
            }
            ChannelMessage::Bye => self.bye_on(key, generation),
            ChannelMessage::Signaling(message) => self.channel_signaling(key, generation, message),
            ChannelMessage::Application(payload) => {
                desk.event(Event::Received { from: link.peer(), payload, position: None });
                link.stirred(generation, desk);
            }
            ChannelMessage::Numbered { sequence, acknowledged, payload } => {
                link.numbered(generation, Numbered { sequence, acknowledged, payload }, desk);
                link.stirred(generation, desk);
            }
            ChannelMessage::Part { acknowledged, part } => {
                link.part(generation, acknowledged, &part, desk);
                link.stirred(generation, desk);
            }
            ChannelMessage::Acknowledged { through } => {
                link.acknowledged(through, desk);
                link.stirred(generation, desk);
            }
            ChannelMessage::Gap { after, through } => link.gap(generation, after, through, desk),
            ChannelMessage::Ignored => link.stirred(generation, desk),
        }
    }

    /// Signaling that took the channel is about the link that it came over.
    fn channel_signaling(&mut self, key: &PeerKey, generation: Generation, message: SignalingMessage) {
        let Some(link) = self.peers.get_mut(key) else { return };
        let desk = &mut self.desk;
        let known = link.connection(generation).map(|connection| connection.session.clone());
        match message {
            SignalingMessage::Description { session, description, .. } => {
                let Some(session) = session.or(known) else { return };
                match description.sdp_type {
                    SdpType::Offer if link.key.direction == Direction::Viewing => {
                        let offer = Offer { route: None, session, description, over_channel: true };
                        link.offered(offer, desk);
                    }
                    SdpType::Offer => desk.warn(Warning::StrangerOffer { stream: None }),
                    SdpType::Answer => link.answered(&session, description, desk),
                }
            }
            SignalingMessage::Candidates { session, candidates, .. } => {
                link.candidates(session.or(known).as_ref(), candidates, desk);
            }
            SignalingMessage::RestartIce { .. } if link.is_rejoin() => {
                link.offer_requested_over_channel(desk)
            }
            SignalingMessage::RestartIce { .. } => link.restart_requested(desk),
            SignalingMessage::Bye { .. } => self.bye_on(key, generation),
            SignalingMessage::Withdraw { session } if link.moves_on(generation, &session) => {
                link.follow(generation, desk);
            }
            SignalingMessage::Withdraw { session } => {
                if !link.is_candidate(generation) {
                    link.withdrawn(session, desk);
                }
            }
            SignalingMessage::Spare { session } => link.spare_announced(session, desk),
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

    pub(super) fn offer_requested(&mut self, route: Route, stream: Option<StreamId>) {
        let key = PeerKey { peer: route.0.clone(), direction: Direction::Publishing };
        // a route that names a link is that viewer's first one, taken back
        let known = self.find(Direction::Publishing, None, Some(&route)).unwrap_or_else(|| key.clone());
        if let Some(link) = self.peers.get_mut(&known) {
            link.route = Some(route);
            return link.offer_requested(&mut self.desk);
        }
        let ours = stream.filter(|stream| self.intent.streams.contains(stream));
        let Some(stream) = ours.or_else(|| self.intent.streams.first().cloned()) else { return };
        if self.peers.len() >= MOST_PEERS {
            let text = format!("{MOST_PEERS} peers are served already; a further viewer was not offered to");
            return self.desk.warn(Warning::ServerAlert { text });
        }
        let mut link = PeerLink::new(key.clone(), stream, Some(route), &mut self.desk);
        link.start_patience(&mut self.desk);
        link.next_step(&mut self.desk);
        self.peers.insert(key, link);
    }

    fn offered(
        &mut self,
        route: Option<Route>,
        session: SessionId,
        stream: Option<StreamId>,
        offer: Description,
    ) {
        let by_session = self.find(Direction::Viewing, Some(&session), None);
        let by_stream = || {
            let peer = stream.as_ref()?.0.clone();
            let key = PeerKey { peer, direction: Direction::Viewing };
            self.peers.contains_key(&key).then_some(key)
        };
        let key = by_session.or_else(by_stream).or_else(|| match &stream {
            Some(_) => None,
            None => self.find(Direction::Viewing, None, route.as_ref()),
        });
        let key = key.or_else(|| self.view_greeter(stream.as_ref(), route.as_ref()));
        match key.and_then(|key| self.peers.get_mut(&key)) {
            Some(link) => {
                let offer = Offer { route, session, description: offer, over_channel: false };
                link.offered(offer, &mut self.desk);
            }
            None => {
                let stream = stream.map(|stream| stream.to_string());
                self.desk.warn(Warning::StrangerOffer { stream });
            }
        }
    }

    fn answered(&mut self, route: Option<Route>, session: &SessionId, answer: Description) {
        let by_session = self.find(Direction::Publishing, Some(session), None);
        let by_route = || self.find(Direction::Publishing, None, route.as_ref());
        let Some(key) = by_session.or_else(by_route) else {
            return self.desk.warn(Warning::UnknownSession);
        };
        if let Some(link) = self.peers.get_mut(&key) {
            if route.is_some() {
                link.route = route;
            }
            link.answered(session, answer, &mut self.desk);
        }
    }

    fn bye_on(&mut self, key: &PeerKey, generation: Generation) {
        // a goodbye over a connection that is being replaced is about that connection
        let about_the_old = self
            .peers
            .get(key)
            .is_some_and(|link| link.candidate.is_some() && !link.is_candidate(generation));
        if !about_the_old {
            self.bye(key);
        }
    }

    fn bye(&mut self, key: &PeerKey) {
        match key.direction {
            Direction::Publishing => self.remove(key),
            Direction::Viewing => self.with(key, PeerLink::publisher_left),
        }
    }

    fn alerted(&mut self, kind: AlertKind, text: String) {
        match kind {
            AlertKind::StreamIdInUse => self.outwait_ghost(Fault::StreamIdInUse),
            AlertKind::UuidInUse => self.outwait_ghost(Fault::UuidInUse),
            AlertKind::Busy | AlertKind::Other => {}
        }
        self.desk.warn(Warning::ServerAlert { text });
    }

    // ---- who is meant

    pub(super) fn find(
        &self,
        direction: Direction,
        session: Option<&SessionId>,
        route: Option<&Route>,
    ) -> Option<PeerKey> {
        let links = || self.peers.values().filter(|link| link.key.direction == direction);
        let found = match (session, route) {
            (Some(_), _) => links().find(|link| link.has_session(session)),
            (None, Some(_)) => links().find(|link| link.route.as_ref() == route),
            (None, None) => None,
        };
        found.map(|link| link.key.clone())
    }

    fn routed(&self, route: Option<&Route>) -> Vec<PeerKey> {
        let Some(route) = route else { return Vec::new() };
        let links = self.peers.values().filter(|link| link.route.as_ref() == Some(route));
        links.map(|link| link.key.clone()).collect()
    }
}

fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::Publishing => Direction::Viewing,
        Direction::Viewing => Direction::Publishing,
    }
}
