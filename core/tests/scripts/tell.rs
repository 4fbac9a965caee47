//! Tells in one line what the machine wants.

use std::time::Duration;

use rejoin_core::delivery::{DeliveryFrame, Part};
use rejoin_core::output::{LinkName, Peer, Recovery, Warning};
use rejoin_core::port::{PeerAction, SignalingAction};
use rejoin_core::sdp::{Description, SdpType};
use rejoin_core::session::SessionRecord;
use rejoin_core::{
    ChannelMessage, Event, Fault, IceTransportPolicy, Output, Role, SessionId, SignalingAddress,
    SignalingMessage,
};

pub(crate) fn output(output: &Output) -> String {
    match output {
        Output::Signaling(generation, action) => format!("{generation} {}", signaling(action)),
        Output::Peer(generation, action) => format!("{generation} {}", peer(action)),
        Output::Persist(record) => persist(record),
        Output::StoreDelivery(change) => format!("keep {change:?}"),
        Output::Event(event) => format!("= {}", news(event)),
        other => format!("{other:?}"),
    }
}

fn signaling(action: &SignalingAction) -> String {
    match action {
        SignalingAction::Open { server, limit, resume } => {
            let resume = resume.as_ref().map(|told| format!(", resuming {}", told.address));
            format!("open {server} within {limit:?}{}", resume.unwrap_or_default())
        }
        SignalingAction::Send(message) => format!("tell server: {}", self::message(message)),
        SignalingAction::Ping => "ping server".to_owned(),
        SignalingAction::Close => "close socket".to_owned(),
        other => format!("{other:?}"),
    }
}

fn peer(action: &PeerAction) -> String {
    match action {
        PeerAction::Create(setup) => {
            let by = setup.interfaces.iter().map(|name| format!(", by {name}")).collect::<String>();
            match setup.role {
                Role::Offerer => format!("create, to offer{by}"),
                Role::Answerer => format!("create, to answer{by}"),
            }
        }
        PeerAction::RestartIce(IceTransportPolicy::All) => "restart ICE".to_owned(),
        PeerAction::RestartIce(IceTransportPolicy::Relay) => "restart ICE via relay".to_owned(),
        PeerAction::Accept(told) => format!("accept {}", description(told)),
        PeerAction::AddCandidates(candidates) => format!("add {} candidates", candidates.len()),
        PeerAction::Send { message: ChannelMessage::Ping(_), .. } => "ping".to_owned(),
        PeerAction::Send { tag: 0, message } => format!("tell peer: {}", channel(message)),
        PeerAction::Send { tag, message } => format!("tell peer ({tag}): {}", channel(message)),
        PeerAction::ReadStats => "read stats".to_owned(),
        PeerAction::Close => "close connection".to_owned(),
        other => format!("{other:?}"),
    }
}

fn channel(message: &ChannelMessage) -> String {
    match message {
        ChannelMessage::Hello(hello) => {
            let rejoin = hello.rejoin.as_ref();
            let identity = rejoin.map(|rejoin| format!(" identity={:x}", rejoin.identity.0));
            let at = rejoin.and_then(|rejoin| rejoin.address.as_ref());
            let received = rejoin.and_then(|rejoin| rejoin.delivery?.received);
            let received = received.map(|cursor| format!(" received={}", cursor.sequence));
            format!("hello{}{}{}", identity.unwrap_or_default(), address(at), received.unwrap_or_default())
        }
        ChannelMessage::Pong(token) => format!("pong {}", token.0),
        ChannelMessage::Bye => "bye".to_owned(),
        ChannelMessage::Signaling(message) => self::message(message),
        ChannelMessage::Application(payload) if payload.len() > 100 => format!("{} bytes", payload.len()),
        ChannelMessage::Application(payload) => payload.0.to_string(),
        ChannelMessage::Delivery(DeliveryFrame::Message { sequence, acknowledged, payload }) => {
            format!("{sequence} {} and has {acknowledged}", payload.0)
        }
        ChannelMessage::Delivery(DeliveryFrame::Part { acknowledged, part }) => {
            let Part { sequence, total, offset, slice } = part;
            format!("{sequence} {offset}/{total} {} bytes and has {acknowledged}", slice.len())
        }
        ChannelMessage::Delivery(DeliveryFrame::Acknowledgement { through }) => {
            format!("Acknowledged {{ through: {through} }}")
        }
        ChannelMessage::Delivery(frame) => format!("{frame:?}"),
        other => format!("{other:?}"),
    }
}

fn message(message: &SignalingMessage) -> String {
    match message {
        SignalingMessage::JoinRoom { room, .. } => format!("room {room}"),
        SignalingMessage::Seed { stream } => format!("seed {stream}"),
        SignalingMessage::Play { stream } => format!("play {stream}"),
        SignalingMessage::Description { address: to, session: of, description: told, .. } => {
            format!("{}{}{}", description(told), address(to.as_ref()), session(of.as_ref()))
        }
        SignalingMessage::Candidates { address: to, session: of, candidates, .. } => {
            format!("{} candidates{}{}", candidates.len(), address(to.as_ref()), session(of.as_ref()))
        }
        SignalingMessage::RestartIce { address: to, session: of } => {
            format!("please restart ICE{}{}", address(to.as_ref()), session(of.as_ref()))
        }
        SignalingMessage::Bye { address: to } => format!("bye{}", address(to.as_ref())),
        SignalingMessage::Spare { session: None } => "please offer a spare".to_owned(),
        SignalingMessage::Spare { session: of } => format!("a spare{}", session(of.as_ref())),
        SignalingMessage::Withdraw { session: of } => format!("withdraw{}", session(Some(of))),
        other => format!("{other:?}"),
    }
}

fn description(told: &Description) -> String {
    let kind = match told.sdp_type {
        SdpType::Offer => "offer",
        SdpType::Answer => "answer",
    };
    let (ufrag, fingerprint) = (told.ice_ufrag(), told.fingerprint());
    format!("{kind} ufrag={} fingerprint={}", ufrag.unwrap_or("-"), fingerprint.unwrap_or("-"))
}

fn address(address: Option<&SignalingAddress>) -> String {
    address.map(|address| format!(" address={address}")).unwrap_or_default()
}

fn session(session: Option<&SessionId>) -> String {
    session.map(|session| format!(" session={session}")).unwrap_or_default()
}

fn persist(record: &SessionRecord) -> String {
    let mut parts: Vec<String> = record.room.iter().map(|room| format!("room {room}")).collect();
    parts.extend(record.streams.iter().map(|stream| format!("stream {stream}")));
    parts.extend(record.views.iter().map(|stream| format!("view {stream}")));
    parts.extend(record.audience.iter().map(|audience| {
        let except = audience.except.as_ref().map(|stream| format!(" except {stream}"));
        format!("all of it{}", except.unwrap_or_default())
    }));
    parts.extend(record.viewers.iter().map(|viewer| format!("{} is {:x}", viewer.name, viewer.identity.0)));
    format!("persist {}", parts.join(", "))
}

fn news(event: &Event) -> String {
    match event {
        Event::SignalingConnected { server } => format!("signaling connected to {server}"),
        Event::RoomJoined { room } => format!("joined room {room}"),
        Event::Connected(peer) => format!("connected {}", self::name(peer)),
        Event::Interrupted { link, fault, silent_for } => {
            format!("interrupted {link}: {fault}, silent for {silent_for:?}")
        }
        Event::Repairing { link, fault, step, attempt, after } => {
            let step = step.name();
            format!("repairing {link}: {step} in {after:?}, attempt {attempt}: {fault}")
        }
        Event::Recovered(recovery) => recovered(recovery),
        Event::Dormant { link, fault } => format!("dormant {link}: {fault}"),
        Event::PeerLeft(peer) => format!("left {}", self::name(peer)),
        Event::Received { from, payload, .. } => format!("received from {}: {}", from.key, payload.0),
        Event::Dropped { peer, messages } => {
            let peer = peer.as_ref().map_or("nobody".to_owned(), ToString::to_string);
            format!("dropped {messages} for {peer}")
        }
        Event::Warning(Warning::ServerAlert { text }) => format!("warning, the server says: {text}"),
        Event::Warning(warning) => format!("warning {warning:?}"),
        Event::QualityChanged { link, quality } => format!("quality of {link}: {quality:?}"),
        Event::Left => "left, as wished".to_owned(),
        other => format!("{other:?}"),
    }
}

fn recovered(recovery: &Recovery) -> String {
    let Recovery { link, fault, tried, outage, timeline, .. } = recovery;
    let time = |took: &Duration| format!("{took:?}");
    let owners: Vec<String> =
        timeline.iter().map(|(owner, took)| format!("{} {}", owner.name(), time(took))).collect();
    let tried: Vec<String> =
        tried.iter().map(|tried| format!("{} {:?}", tried.step.name(), tried.outcome)).collect();
    let cause: &Fault = fault;
    let name = match link {
        LinkName::Signaling | LinkName::Peer(_) => link.to_string(),
    };
    format!("recovered {name} after {}: {cause}; {}; {}", time(outage), owners.join(" + "), tried.join(", "))
}

fn name(peer: &Peer) -> String {
    let identity = peer.identity.map(|identity| format!(" is {:x}", identity.0));
    let label = peer.label.as_ref().map(|label| format!(" called {label}"));
    format!("{}{}{}", peer.key, identity.unwrap_or_default(), label.unwrap_or_default())
}
