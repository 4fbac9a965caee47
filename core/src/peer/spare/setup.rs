//! How a spare is opened: what it has to say goes over the channel in use, and it carries nothing but pings.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::ice::{IceConnectionState, IceTransportPolicy, Role};
use crate::id::{Generation, SessionId};
use crate::message::{ChannelMessage, SignalingMessage, Token};
use crate::network::Interface;
use crate::output::Warning;
use crate::peer::connection::Connection;
use crate::peer::link::PeerLink;
use crate::peer::link::negotiation::Offer;
use crate::peer::spare::OPENING;
use crate::port::{ConnectionSetup, PeerAction, PeerEvent};
use crate::sdp::{Description, SdpType};
use crate::supervisor::Timer;
use crate::supervisor::context::Context;

/// How long ICE hears nothing on a spare until it counts as dead: four checks of consent, which is asked for every
/// 5 s (RFC 7675 section 5.1). Once in use it is pinged like any other connection.
const SILENCE: Duration = Duration::from_secs(20);

impl PeerLink {
    /// The peer offers a spare, or asks for one.
    pub(crate) fn spare_announced(&mut self, session: Option<SessionId>, context: &mut Context) {
        if !self.keeps_spare(context) {
            return;
        }
        match (self.remote.role(), session) {
            (Role::Answerer, Some(session)) => self.connections.spare.announced = Some(session),
            (Role::Offerer, None)
                if self.repair.outage.is_none() && self.connections.spare.connection.is_none() =>
            {
                self.offer_spare(self.other_uplinks(context), context);
            }
            (Role::Offerer, None | Some(_)) | (Role::Answerer, None) => {}
        }
    }

    pub(crate) fn offer_spare(&mut self, ties: BTreeMap<String, Interface>, context: &mut Context) {
        let session = SessionId(context.rng.session().into());
        self.create_spare(session, ties, context);
    }

    /// The offer that was announced is here.
    pub(crate) fn answer_spare(&mut self, offer: Offer, context: &mut Context) {
        self.drop_spare(context);
        self.create_spare(offer.session, self.other_uplinks(context), context);
        if let Some(spare) = self.connections.spare.connection_mut() {
            spare.accept(offer.description, context);
        }
    }

    fn create_spare(&mut self, session: SessionId, ties: BTreeMap<String, Interface>, context: &mut Context) {
        let generation = context.generation();
        let setup = context.setup(self.remote.role(), IceTransportPolicy::All, 0);
        let interfaces = ties.keys().cloned().collect();
        let setup = ConnectionSetup {
            interfaces,
            ice_disconnected_timeout: setup.ice_disconnected_timeout.max(SILENCE),
            ..setup
        };
        context.peer(generation, PeerAction::Create(setup));
        self.connections.spare.connection = Some(Connection::new(generation, session, context.now));
        self.connections.spare.ties = ties;
        context.timers.set(Timer::Spare(self.remote.key.clone()), context.now, OPENING);
    }

    /// Hands an answer to the spare, if it is the one that is meant; returns whether it is.
    pub(crate) fn spare_answered(
        &mut self,
        session: &SessionId,
        answer: &Description,
        context: &mut Context,
    ) -> bool {
        let meant = self.connections.spare.has(session);
        if let Some(spare) = self.connections.spare.connection_mut().filter(|_| meant) {
            spare.accept(answer.clone(), context);
        }
        meant
    }

    /// What the transport says about the spare.
    pub(crate) fn spare_event(&mut self, generation: Generation, event: PeerEvent, context: &mut Context) {
        let Some(spare) = self.connections.spare.connection_mut() else { return };
        let session = spare.session.clone();
        match event {
            PeerEvent::LocalDescription(description) => {
                if description.sdp_type == SdpType::Offer {
                    self.send_over_channel(
                        SignalingMessage::Spare { session: Some(session.clone()) },
                        context,
                    );
                }
                let (address, session, stream) = (None, Some(session), None);
                let message = SignalingMessage::Description { address, session, stream, description };
                self.send_over_channel(message, context);
            }
            PeerEvent::LocalCandidates(candidates) => {
                let (address, session, sender) = (None, Some(session), self.remote.key.direction);
                let message = SignalingMessage::Candidates { address, session, sender, candidates };
                self.send_over_channel(message, context);
            }
            PeerEvent::IceConnectionState(ice) => {
                spare.ice = ice;
                match ice {
                    IceConnectionState::New
                    | IceConnectionState::Checking
                    | IceConnectionState::Connected
                    | IceConnectionState::Completed => {}
                    IceConnectionState::Disconnected
                    | IceConnectionState::Failed
                    | IceConnectionState::Closed => self.spare_failed(context),
                }
            }
            PeerEvent::ChannelOpen => {
                spare.channel_open = true;
                spare.ping(context);
                self.announce(generation, context);
            }
            PeerEvent::ChannelClosed | PeerEvent::Failed { .. } => self.spare_failed(context),
            PeerEvent::Received(message) => self.spare_heard(generation, message, context),
            PeerEvent::Malformed { reason } => {
                let peer = self.remote.key.clone();
                context.warn(Warning::MalformedMessage { peer, reason });
            }
            PeerEvent::Unsent { .. } => spare.writable = false,
            PeerEvent::Writable => spare.writable = true,
            PeerEvent::Stats(sample) => spare.local = sample.local,
        }
    }

    /// What the peer says over the spare.
    fn spare_heard(&mut self, generation: Generation, message: ChannelMessage, context: &mut Context) {
        let epoch = self.connections.active.as_ref().and_then(|active| active.epoch);
        let Some(spare) = self.connections.spare.connection_mut() else { return };
        spare.liveness.probes.last_received = Some(context.now);
        match message {
            ChannelMessage::Hello(hello) => {
                let delivery = hello.rejoin.as_ref().and_then(|rejoin| rejoin.delivery);
                spare.is_rejoin = hello.rejoin.is_some();
                // who has begun another life says so over the connection in use
                spare.epoch = delivery.map(|delivery| delivery.epoch).filter(|told| Some(*told) == epoch);
            }
            ChannelMessage::Ping(token) => {
                spare.liveness.answered_at = Some(context.now);
                spare.send(ChannelMessage::Pong(token), context);
            }
            ChannelMessage::Pong(Token(text)) => {
                let number = text.parse().ok();
                if number.and_then(|number| spare.liveness.probes.answered(number, context.now)).is_some() {
                    spare.liveness.answers_pings = true;
                    context.peer(generation, PeerAction::ReadStats);
                }
            }
            ChannelMessage::Signaling(SignalingMessage::Withdraw { session })
                if self.moves_on(generation, &session) =>
            {
                self.follow(generation, context);
            }
            ChannelMessage::Bye => self.spare_failed(context),
            // nothing else is said over it until both have moved
            ChannelMessage::Signaling(_)
            | ChannelMessage::Application(_)
            | ChannelMessage::Numbered { .. }
            | ChannelMessage::Part { .. }
            | ChannelMessage::Acknowledged { .. }
            | ChannelMessage::Gap { .. }
            | ChannelMessage::Ignored => {}
        }
    }
}
