//! A spare: a second connection, open over another uplink than the active one, for the moment when that one fails.
//!
//! Only two rejoin peers that both keep spares have one.
//! It is negotiated over the active channel while that works, without the server: the publisher offers, and a viewer
//! that has another uplink asks it to. It carries nothing but pings.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::ice::{IceConnectionState, IceTransportPolicy, Role};
use crate::id::{PeerKey, SessionId};
use crate::message::{ChannelMessage, SignalingMessage, Token};
use crate::network::{Interface, NetworkChange};
use crate::output::Warning;
use crate::peer::connection::Connection;
use crate::peer::connections::Connections;
use crate::peer::remote::RemotePeer;
use crate::peer::spare_slot::SpareSlot;
use crate::peer::spares::Spares;
use crate::policy::Spare;
use crate::port::{ConnectionSetup, PeerAction, PeerEvent};
use crate::sdp::{Description, SdpType};
use crate::supervisor::context::Context;
use crate::supervisor::timers::Timer;

/// The delay before a link's spare is opened: a repair may be followed by another, and the addresses of an
/// interface that has just come up arrive one by one.
const SETTLE_DELAY: Duration = Duration::from_secs(1);

/// How long a spare may take to open: an opening over a slow uplink takes 3 s, and nothing depends on this one.
const OPENING_TIMEOUT: Duration = Duration::from_secs(15);

/// The delay after a spare that did not open: an interface may be up without connectivity for hours.
const RETRY_DELAY: Duration = Duration::from_secs(60);

/// How long ICE may receive nothing on a spare until it counts as dead: four consent checks, sent every 5 s
/// (RFC 7675 section 5.1). Once in use it is pinged like any other connection.
const DISCONNECTED_TIMEOUT: Duration = Duration::from_secs(20);

/// What an event of the spare means for the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpareOutcome {
    /// Its channel is open: our hello is due.
    Opened,
    /// It is beyond use.
    Failed,
    /// The peer uses it in place of the active connection.
    PeerMoved,
}

/// Schedules the next look at a link's spare, if spares are kept at all.
pub(crate) fn schedule(key: &PeerKey, context: &mut Context) {
    if context.settings.spares != Spares::Never {
        context.timers.set(Timer::Spare(key.clone()), context.now, SETTLE_DELAY);
    }
}

impl Connections {
    /// Returns the state of the spare for a strategy, in an outage that was detected at `detected_at`.
    pub(crate) fn spare_state(&self, detected_at: Option<Instant>, context: &Context) -> Spare {
        let lost = self.spare.lost_at.is_some() && self.spare.lost_at >= detected_at;
        if self.spare.is_ready() {
            Spare::Ready
        } else if lost && self.uplink(context).is_some() {
            Spare::Lost
        } else {
            Spare::None
        }
    }

    /// Returns the interface at which the active connection's packets arrive, if it is known and works.
    fn uplink<'a>(&self, context: &'a Context) -> Option<&'a str> {
        let local: IpAddr = self.active.as_ref()?.local?;
        context.network.as_ref()?.uplink_of(local)
    }

    /// Returns whether the default route uses the active connection's interface, so that a switch to it changes nothing.
    ///
    /// The last part of a switch is reported when the link has long moved.
    pub(crate) fn uses_default_route(&self, context: &Context) -> bool {
        let local = self.active.as_ref().and_then(|active| active.local);
        let (Some(network), Some(uplink), Some(local)) = (&context.network, self.uplink(context), local)
        else {
            return false;
        };
        let default = if local.is_ipv4() { &network.default_v4 } else { &network.default_v6 };
        default.as_ref().is_some_and(|route| route.interface == uplink)
    }

    /// Returns the interfaces that work beside the active connection's.
    fn other_uplinks(&self, context: &Context) -> BTreeMap<String, Interface> {
        match (&context.network, self.uplink(context)) {
            (Some(network), Some(uplink)) => network.uplinks_beside(uplink),
            (Some(_) | None, _) => BTreeMap::new(),
        }
    }

    /// Handles a network change: returns whether the spare has lost its uplink and is to be closed.
    pub(crate) fn spare_lost_uplink(&self, change: NetworkChange, context: &Context) -> bool {
        let Some(network) = &context.network else { return false };
        let untied = self.spare.ties.is_empty();
        let lost = if untied { change == NetworkChange::Major } else { !self.spare.is_tied_to(network) };
        self.spare.connection().is_some() && lost
    }

    /// Closes a spare that has lost its uplink.
    pub(crate) fn close_lost_spare(&mut self, remote: &RemotePeer, live: bool, context: &mut Context) {
        let tied = !self.spare.ties.is_empty();
        self.drop_spare(remote, live, context);
        self.spare.lost_at = tied.then_some(context.now);
    }

    /// Looks after the spare of a link that is up.
    pub(crate) fn on_spare_timer(&mut self, remote: &RemotePeer, live: bool, context: &mut Context) {
        let Some(active) = &self.active else { return };
        if !remote.keeps_spare(context) {
            return self.drop_spare(remote, live, context);
        }
        let opening = self.spare.connection().filter(|_| !self.spare.is_ready());
        match opening.map(|spare| spare.age(context.now)) {
            Some(age) if age >= OPENING_TIMEOUT => self.on_spare_failed(remote, live, context),
            Some(age) => {
                context.timers.set(Timer::Spare(remote.key.clone()), context.now, OPENING_TIMEOUT - age);
            }
            None => {
                self.spare.considered = true;
                context.peer(active.generation, PeerAction::ReadStats);
            }
        }
    }

    /// Opens a spare over another uplink, if there is one: the active connection's local address is known.
    pub(crate) fn open_spare(&mut self, remote: &RemotePeer, live: bool, context: &mut Context) {
        if !std::mem::take(&mut self.spare.considered) || !remote.keeps_spare(context) {
            return;
        }
        let others = self.other_uplinks(context);
        let beside =
            self.spare.ties.is_empty() || self.spare.ties.keys().any(|name| others.contains_key(name));
        if others.is_empty() || (self.spare.connection().is_some() && beside) {
            return;
        }
        self.drop_spare(remote, live, context);
        match remote.role() {
            Role::Offerer => self.offer_spare(remote, others, context),
            Role::Answerer => {
                self.send_over_channel(SignalingMessage::Spare { session: None }, context);
                context.timers.set(Timer::Spare(remote.key.clone()), context.now, RETRY_DELAY);
            }
        }
    }

    /// Closes the spare, if there is one, and withdraws it if the channel is `live`.
    pub(crate) fn drop_spare(&mut self, remote: &RemotePeer, live: bool, context: &mut Context) {
        if let Some(spare) = self.spare.connection.take() {
            if live {
                self.send_withdraw(spare.session.clone(), remote, context);
            }
            self.close(spare, context);
        }
        self.spare = SpareSlot { lost_at: self.spare.lost_at, ..SpareSlot::default() };
    }

    /// Closes a spare that failed and schedules the next one.
    pub(crate) fn on_spare_failed(&mut self, remote: &RemotePeer, live: bool, context: &mut Context) {
        self.drop_spare(remote, live, context);
        context.timers.set(Timer::Spare(remote.key.clone()), context.now, RETRY_DELAY);
    }
}

impl Connections {
    /// Handles the peer's announcement of an offer for a spare, or its request for one; the link is `up` or not.
    pub(crate) fn on_spare_announced(
        &mut self,
        session: Option<SessionId>,
        remote: &RemotePeer,
        up: bool,
        context: &mut Context,
    ) {
        if !remote.keeps_spare(context) {
            return;
        }
        match (remote.role(), session) {
            (Role::Answerer, Some(session)) => self.spare.announced = Some(session),
            (Role::Offerer, None) if up && self.spare.connection().is_none() => {
                self.offer_spare(remote, self.other_uplinks(context), context);
            }
            (Role::Offerer, None | Some(_)) | (Role::Answerer, None) => {}
        }
    }

    fn offer_spare(&mut self, remote: &RemotePeer, ties: BTreeMap<String, Interface>, context: &mut Context) {
        let session = SessionId(context.rng.session().into());
        self.create_spare(session, remote, ties, context);
    }

    /// Answers the offer that was announced; an earlier spare is closed already.
    pub(crate) fn answer_spare(
        &mut self,
        session: SessionId,
        offer: Description,
        remote: &RemotePeer,
        context: &mut Context,
    ) {
        self.create_spare(session, remote, self.other_uplinks(context), context);
        if let Some(spare) = self.spare.connection_mut() {
            spare.accept(offer, context);
        }
    }

    fn create_spare(
        &mut self,
        session: SessionId,
        remote: &RemotePeer,
        ties: BTreeMap<String, Interface>,
        context: &mut Context,
    ) {
        let generation = context.generation();
        let setup = context.setup(remote.role(), IceTransportPolicy::All, 0);
        let interfaces = ties.keys().cloned().collect();
        let ice_disconnected_timeout = setup.ice_disconnected_timeout.max(DISCONNECTED_TIMEOUT);
        let setup = ConnectionSetup { interfaces, ice_disconnected_timeout, ..setup };
        context.peer(generation, PeerAction::Create(setup));
        self.spare.connection = Some(Connection::new(generation, session, context.now));
        self.spare.ties = ties;
        context.timers.set(Timer::Spare(remote.key.clone()), context.now, OPENING_TIMEOUT);
    }

    /// Hands an answer to the spare, if its session is meant; returns whether it is.
    pub(crate) fn on_spare_answer(
        &mut self,
        session: &SessionId,
        answer: &Description,
        context: &mut Context,
    ) -> bool {
        let meant = self.spare.has(session);
        if let Some(spare) = self.spare.connection_mut().filter(|_| meant) {
            spare.accept(answer.clone(), context);
        }
        meant
    }

    /// Handles what the transport reports about the spare.
    pub(crate) fn on_spare_event(
        &mut self,
        event: PeerEvent,
        remote: &RemotePeer,
        context: &mut Context,
    ) -> Option<SpareOutcome> {
        let spare = self.spare.connection_mut()?;
        let session = Some(spare.session.clone());
        match event {
            PeerEvent::LocalDescription(description) => {
                if description.sdp_type == SdpType::Offer {
                    self.send_over_channel(SignalingMessage::Spare { session: session.clone() }, context);
                }
                let (address, stream) = (None, None);
                let message = SignalingMessage::Description { address, session, stream, description };
                self.send_over_channel(message, context);
            }
            PeerEvent::LocalCandidates(candidates) => {
                let (address, sender) = (None, remote.key.direction);
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
                    | IceConnectionState::Closed => return Some(SpareOutcome::Failed),
                }
            }
            PeerEvent::ChannelOpen => {
                spare.channel_open = true;
                spare.ping(context);
                return Some(SpareOutcome::Opened);
            }
            PeerEvent::ChannelClosed | PeerEvent::Failed { .. } => return Some(SpareOutcome::Failed),
            PeerEvent::Received(message) => return self.on_spare_message(message, context),
            PeerEvent::Malformed { reason } => {
                context.warn(Warning::MalformedMessage { peer: remote.key.clone(), reason });
            }
            PeerEvent::Unsent { .. } => spare.writable = false,
            PeerEvent::Writable => spare.writable = true,
            PeerEvent::Stats(sample) => spare.local = sample.local,
        }
        None
    }

    fn on_spare_message(&mut self, message: ChannelMessage, context: &mut Context) -> Option<SpareOutcome> {
        let spare = self.spare.connection_mut()?;
        let generation = spare.generation;
        spare.liveness.probes.last_received = Some(context.now);
        match message {
            ChannelMessage::Hello(hello) => {
                spare.is_rejoin = hello.rejoin.is_some();
            }
            ChannelMessage::Ping(token) => spare.on_ping(token, context),
            ChannelMessage::Pong(Token(text)) => {
                let number = text.parse().ok();
                if number.and_then(|number| spare.on_pong(number, context.now)).is_some() {
                    context.peer(generation, PeerAction::ReadStats);
                }
            }
            ChannelMessage::Signaling(SignalingMessage::Withdraw { session })
                if self.replaces_active(generation, &session) =>
            {
                return Some(SpareOutcome::PeerMoved);
            }
            ChannelMessage::Bye => return Some(SpareOutcome::Failed),
            // nothing else is sent over it until both sides have moved
            ChannelMessage::Signaling(_)
            | ChannelMessage::Application(_)
            | ChannelMessage::Delivery(_)
            | ChannelMessage::Ignored => {}
        }
        None
    }
}
