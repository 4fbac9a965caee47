//! What the random world can say, each from a byte or two.

use std::collections::BTreeSet;

use super::*;
use crate::delivery::durable::Durability;
use crate::delivery::{Cursor, DeliveryFrame, DeliveryHello, Epoch, Part};
use crate::ice::IceCandidate;
use crate::id::{Direction, RoomId, SessionId, SignalingAddress, StreamId};
use crate::input::{Command, Recipient};
use crate::message::{AlertKind, ChannelMessage, Hello, Member, Payload, RejoinHello, SignalingMessage};
use crate::network::{DefaultRoute, Interface};
use crate::sdp::{Description, SdpType};
use crate::stats::Sample;

pub(super) fn command(a: u8, b: u8, machine: &Supervisor) -> Command {
    match a % 16 {
        0 => Command::JoinRoom(RoomId("room".into())),
        1..=3 => Command::Publish(stream(b)),
        4..=7 => Command::View(stream(b)),
        8 => Command::Unview(stream(b)),
        9..=11 => Command::Send { to: Recipient::Everyone, payload: Payload("\"to everyone\"".into()) },
        12 if b < 128 => {
            let to = Recipient::Labelled(vec!["label".to_owned()]);
            Command::Send { to, payload: Payload("\"to some\"".into()) }
        }
        12 => {
            let to = Recipient::Named(format!("r{}", b % 4));
            Command::Send { to, payload: Payload("\"to one\"".into()) }
        }
        13 if b < 128 => Command::Restart,
        13 => confirmation(b, machine),
        14 => Command::SetPolicies(answers::policies(u64::from(b))),
        15 if b < 32 => Command::Leave,
        15 if b < 160 => Command::ViewRoom { except: (b < 96).then(|| stream(b)) },
        15 => Command::SetPolicies(machine.context.policies.clone()),
        _ => unreachable!(),
    }
}

/// Confirms something of some peer, or what nobody has sent.
fn confirmation(b: u8, machine: &Supervisor) -> Command {
    let from = machine.peers.keys().nth(usize::from(b) % 4).cloned();
    let from = from.unwrap_or(PeerKey { peer: "nobody".into(), direction: Direction::Viewing });
    let position = Cursor { epoch: Epoch(u64::from(b % 3)), sequence: number(b / 4) };
    Command::Confirm { from, position }
}

pub(super) fn message(b: u8, c: u8, machine: &Supervisor) -> SignalingMessage {
    let sessions: Vec<&SessionId> = machine
        .peers
        .values()
        .flat_map(|link| link.connectivity.connections.newest_first())
        .map(|one| &one.session)
        .collect();
    let known = sessions.get(usize::from(c) % 4).map(|session| (*session).clone());
    let session = known.unwrap_or_else(|| SessionId(format!("x{}", c % 4).into()));
    match b % 16 {
        0..4 => offer(c, session, c.is_multiple_of(2).then(|| stream(c)), c / 64),
        4..6 => SignalingMessage::Description {
            address: Some(address(c)),
            session: Some(session),
            stream: None,
            description: describe(SdpType::Answer, c / 128, c % 2),
        },
        6 => SignalingMessage::Candidates {
            address: Some(address(c)),
            session: c.is_multiple_of(2).then_some(session),
            sender: if c.is_multiple_of(3) { Direction::Publishing } else { Direction::Viewing },
            candidates: vec![IceCandidate::default()],
        },
        7 => SignalingMessage::RestartIce {
            address: Some(address(c)),
            session: c.is_multiple_of(2).then_some(session),
        },
        8 => SignalingMessage::Bye { address: Some(address(c)) },
        9 => SignalingMessage::OfferRequested { address: address(c), stream: None },
        10 => SignalingMessage::OfferRequested { address: address(c), stream: Some(stream(c)) },
        11 => listing(),
        12 => SignalingMessage::Joined(Member { address: address(c), stream: Some(stream(c)) }),
        13 => SignalingMessage::Alert { kind: AlertKind::StreamIdInUse, text: String::new() },
        14 => SignalingMessage::Alert { kind: AlertKind::Busy, text: String::new() },
        15 if c < 128 => SignalingMessage::Unknown { request: "?".into() },
        15 => SignalingMessage::Spare { session: c.is_multiple_of(2).then_some(session) },
        _ => unreachable!(),
    }
}

pub(super) fn listing() -> SignalingMessage {
    let members = vec![
        Member { address: address(0), stream: Some(stream(0)) },
        Member { address: address(1), stream: None },
    ];
    SignalingMessage::Listing { members, director: None, claim: None }
}

pub(super) fn offer(
    a: u8,
    session: SessionId,
    stream: Option<StreamId>,
    fingerprint: u8,
) -> SignalingMessage {
    SignalingMessage::Description {
        address: Some(address(a)),
        session: (a < 250).then_some(session),
        stream,
        description: describe(SdpType::Offer, fingerprint, a % 3),
    }
}

pub(super) fn describe(sdp_type: SdpType, fingerprint: u8, ufrag: u8) -> Description {
    let sdp = format!("a=ice-ufrag:{ufrag}\r\na=fingerprint:{fingerprint}\r\n");
    Description { sdp_type, sdp }
}

pub(super) fn hello(a: u8) -> ChannelMessage {
    let identity = Identity(u128::from(a % 3));
    let received = Cursor { epoch: Epoch(u64::from(a % 2)), sequence: number(a / 8) };
    let received = a.is_multiple_of(7).then_some(received);
    let durability = if a.is_multiple_of(2) { Durability::InMemory } else { Durability::Durable };
    let delivery = DeliveryHello { epoch: Epoch(u64::from(a % 3)), received, durability };
    let rejoin = RejoinHello {
        identity,
        address: a.is_multiple_of(5).then(|| address(a)),
        delivery: (!a.is_multiple_of(6)).then_some(delivery),
        spares: !a.is_multiple_of(4),
    };
    ChannelMessage::Hello(Hello { label: Some("label".into()), rejoin: (a % 4 != 3).then_some(rejoin) })
}

/// A message of the delivery protocol, with numbers that make sense or none.
pub(super) fn delivery(c: u8) -> ChannelMessage {
    let payload = Payload("\"m\"".into());
    let frame = match c % 5 {
        0..2 => DeliveryFrame::Message { sequence: number(c / 4), acknowledged: number(c / 16), payload },
        4 => DeliveryFrame::Part { acknowledged: number(c / 32), part: part(c / 5) },
        2 => DeliveryFrame::Acknowledgement { through: number(c / 4) },
        _ => DeliveryFrame::Gap { after: number(c / 4), through: number(c / 16) },
    };
    ChannelMessage::Delivery(frame)
}

/// A part of a message, with places that make sense or none.
fn part(a: u8) -> Part {
    let (sequence, offset) = (number(a), [0, 1, 2, usize::MAX][usize::from(a / 8) % 4]);
    Part { sequence, total: [2, 3, usize::MAX][usize::from(a) % 3], offset, slice: "m".into() }
}

fn number(a: u8) -> u64 {
    [0, 1, 2, 3, 4, 5, 20, u64::MAX][usize::from(a) % 8]
}

pub(super) fn sample(at: Instant, bytes_outstanding: u64) -> Sample {
    let mut sample = Sample::new(at);
    sample.local = Some([10, 0, 0, 1].into());
    sample.bytes_outstanding = bytes_outstanding;
    sample
}

pub(super) fn snapshot(a: u8) -> NetworkSnapshot {
    let interface = |number: u8| {
        let addresses = BTreeSet::from([[10, number, 0, 1].into()]);
        (format!("if{number}"), Interface { carrier: true, addresses })
    };
    let default = DefaultRoute { interface: format!("if{}", a % 2), source: None };
    NetworkSnapshot {
        interfaces: (0..if a.is_multiple_of(3) { 0 } else { 1 + a % 4 / 2 }).map(interface).collect(),
        default_v4: Some(default),
        default_v6: None,
    }
}

pub(super) fn address(a: u8) -> SignalingAddress {
    SignalingAddress(format!("r{}", a % 4).into())
}

pub(super) fn stream(a: u8) -> StreamId {
    StreamId(format!("s{}", a % 3).into())
}
