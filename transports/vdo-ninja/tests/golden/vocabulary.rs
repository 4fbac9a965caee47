//! Short constructors for the messages of the golden frames.

use std::collections::BTreeMap;

use rejoin_core::id::{SessionId, SignalingAddress, StreamId};
use rejoin_core::message::{AlertKind, Hello, Member, SignalingMessage};
use rejoin_core::sdp::{Description, SdpType};
use rejoin_core::{Direction, IceCandidate};
use serde::Deserialize;

#[derive(Deserialize)]
struct Line {
    name: String,
    from: String,
    frame: String,
}

/// Returns golden frames by name.
pub(crate) fn frames(lines: &str) -> BTreeMap<String, String> {
    let lines: Vec<Line> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line.from.starts_with("composed from the protocol notes, ")));
    lines.into_iter().map(|line| (line.name, line.frame)).collect()
}

pub(crate) fn address(name: &str) -> SignalingAddress {
    SignalingAddress(name.into())
}

pub(crate) fn stream(name: &str) -> StreamId {
    StreamId(name.into())
}

pub(crate) fn session(name: &str) -> Option<SessionId> {
    Some(SessionId(name.into()))
}

pub(crate) fn member(name: &str, publishes: Option<&str>) -> Member {
    Member { address: address(name), stream: publishes.map(stream) }
}

pub(crate) fn alert(kind: AlertKind, text: &str) -> SignalingMessage {
    SignalingMessage::Alert { kind, text: text.to_owned() }
}

pub(crate) fn unknown(request: &str) -> SignalingMessage {
    SignalingMessage::Unknown { request: request.to_owned() }
}

pub(crate) fn bye(name: &str) -> SignalingMessage {
    SignalingMessage::Bye { address: Some(address(name)) }
}

pub(crate) fn restart(name: &str) -> SignalingMessage {
    SignalingMessage::RestartIce { address: Some(address(name)), session: None }
}

pub(crate) fn description(sdp_type: SdpType) -> Description {
    Description { sdp_type, sdp: "v=0\r\n".to_owned() }
}

pub(crate) fn labelled(label: Option<&str>) -> Hello {
    Hello { label: label.map(str::to_owned), rejoin: None }
}

/// Returns a host candidate of media section 0.
pub(crate) fn candidate(address: &str) -> IceCandidate {
    IceCandidate {
        candidate: format!("candidate:1 1 udp 2122260223 {address} 50000 typ host"),
        sdp_mid: Some("0".to_owned()),
        sdp_m_line_index: Some(0),
        username_fragment: None,
    }
}

pub(crate) fn candidates(
    sender: Direction,
    session: Option<SessionId>,
    candidates: Vec<IceCandidate>,
) -> SignalingMessage {
    SignalingMessage::Candidates { address: Some(address("a")), session, sender, candidates }
}
