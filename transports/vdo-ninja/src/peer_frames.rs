//! Frames between peers: descriptions, candidates, requests for an ICE restart, and `bye`.
//!
//! They are the same over the server and over the data channel, except for the name of the stream.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use rejoin_core::id::{SessionId, SignalingAddress};
use rejoin_core::message::SignalingMessage;
use rejoin_core::port::DialectError;
use rejoin_core::sdp::Description;
use rejoin_core::{Direction, IceCandidate};

use crate::fields::{Fields, wrong_kind};
use crate::truncate::truncate;
use crate::wire_codec::{Content, Received, SignalingPath, WireCodec, to_json};

/// An outgoing description, with its fields in the order of VDO.Ninja's SDK.
#[derive(Serialize)]
struct DescriptionFrame<'message> {
    #[serde(rename = "UUID", skip_serializing_if = "Option::is_none")]
    address: Option<&'message SignalingAddress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'message SessionId>,
    #[serde(rename = "streamID", skip_serializing_if = "Option::is_none")]
    stream: Option<String>,
    description: Content<&'message Description>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vector: Option<String>,
}

/// Outgoing candidates, with their fields in the order of all recorded clients.
#[derive(Serialize)]
struct CandidatesFrame<'message> {
    #[serde(rename = "UUID", skip_serializing_if = "Option::is_none")]
    address: Option<&'message SignalingAddress>,
    r#type: &'static str,
    candidates: Content<&'message [IceCandidate]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'message SessionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vector: Option<String>,
}

/// A request for an ICE restart, or the announced end of a connection.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct ControlFrame<'message> {
    #[serde(rename = "UUID", skip_serializing_if = "Option::is_none")]
    address: Option<&'message SignalingAddress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ice_restart_request: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bye: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'message SessionId>,
}

/// Returns the frame of a message to a peer, or `None` for every other message.
///
/// Over the server a frame needs an address.
pub(crate) fn encode(
    codec: &WireCodec,
    path: SignalingPath,
    message: &SignalingMessage,
) -> Result<Option<String>, DialectError> {
    match message {
        SignalingMessage::Description { address, session, stream, description } => {
            let name = |stream| match path {
                SignalingPath::Server => codec.wire_stream(stream),
                SignalingPath::Channel => codec.plain_stream(stream),
            };
            let (description, vector) = codec.seal(description)?;
            to_json(&DescriptionFrame {
                address: check_address(path, address, "a description")?,
                session: session.as_ref(),
                stream: stream.as_ref().map(name).transpose()?,
                description,
                vector,
            })
        }
        SignalingMessage::Candidates { address, session, sender, candidates } => {
            let r#type = match sender {
                Direction::Publishing => "local",
                Direction::Viewing => "remote",
            };
            let address = check_address(path, address, "a candidate")?;
            let (candidates, vector) = codec.seal(candidates.as_slice())?;
            to_json(&CandidatesFrame { address, r#type, candidates, session: session.as_ref(), vector })
        }
        SignalingMessage::RestartIce { address, session } => to_json(&ControlFrame {
            address: check_address(path, address, "a request for an ICE restart")?,
            ice_restart_request: Some(true),
            session: session.as_ref(),
            ..ControlFrame::default()
        }),
        SignalingMessage::Bye { address } => to_json(&ControlFrame {
            address: check_address(path, address, "a bye")?,
            bye: Some(true),
            ..ControlFrame::default()
        }),
        _ => return Ok(None),
    }
    .map(Some)
}

/// Returns the address, without which the server cannot deliver a message.
fn check_address<'message>(
    path: SignalingPath,
    address: &'message Option<SignalingAddress>,
    message: &str,
) -> Result<Option<&'message SignalingAddress>, DialectError> {
    if path == SignalingPath::Server && address.is_none() {
        return Err(DialectError(format!(
            "{message} has no address; name its receiver, or send it over the data channel"
        )));
    }
    Ok(address.as_ref())
}

/// Returns the error for a message that the dialect cannot encode.
pub(crate) fn unsendable(message: &str, dialect: &str) -> DialectError {
    let message = truncate(message);
    DialectError(format!("\"{message}\" has no form in the {dialect} dialect; do not send it"))
}

/// Returns the messages of a frame between peers, except `bye`, which differs between the two paths.
pub(crate) fn decode(
    fields: &Fields<'_>,
    codec: &WireCodec,
    address: Option<&SignalingAddress>,
) -> Result<Vec<SignalingMessage>, DialectError> {
    let vector = fields.text("vector")?;
    let path = if address.is_some() { SignalingPath::Server } else { SignalingPath::Channel };
    let mut messages = Vec::new();
    if let Some(content) = fields.value("description")? {
        let received = Received { content, vector: vector.as_deref(), path };
        messages.push(SignalingMessage::Description {
            address: address.cloned(),
            session: session(fields)?,
            stream: fields.text("streamID")?.map(|stream| codec.local_stream(&stream)),
            description: codec.open("description", received, read_description)?,
        });
    }
    for name in ["candidates", "candidate"] {
        let Some(content) = fields.value(name)? else { continue };
        let received = Received { content, vector: vector.as_deref(), path };
        messages.push(SignalingMessage::Candidates {
            address: address.cloned(),
            session: session(fields)?,
            sender: sender(fields)?,
            candidates: codec.open(name, received, read_candidates)?,
        });
    }
    if fields.truthy("iceRestartRequest") {
        messages.push(SignalingMessage::RestartIce { address: address.cloned(), session: session(fields)? });
    }
    Ok(messages)
}

/// Reads a session; the Flutter client writes milliseconds, which may be a JSON number.
fn session(fields: &Fields<'_>) -> Result<Option<SessionId>, DialectError> {
    let text = match fields.value("session")? {
        None => return Ok(None),
        Some(Value::Number(_)) => fields.raw("session").unwrap_or_default().to_owned(),
        Some(_) => fields.text("session")?.unwrap_or_default(),
    };
    Ok(Some(text).filter(|text| !text.is_empty()).map(|text| SessionId(Arc::from(text))))
}

fn sender(fields: &Fields<'_>) -> Result<Direction, DialectError> {
    match fields.text("type")?.as_deref() {
        Some("local") => Ok(Direction::Publishing),
        Some("remote") => Ok(Direction::Viewing),
        Some(_) | None => Err(wrong_kind("type", "local or remote beside candidates")),
    }
}

fn read_description(value: Value) -> Option<Description> {
    if value.is_object() { serde_json::from_value(value).ok() } else { None }
}

fn read_candidates(value: Value) -> Option<Vec<IceCandidate>> {
    match value {
        Value::Array(items) => items.into_iter().filter(|item| !item.is_null()).map(read_candidate).collect(),
        one => read_candidate(one).map(|candidate| vec![candidate]),
    }
}

fn read_candidate(value: Value) -> Option<IceCandidate> {
    if !value.is_object() {
        return None;
    }
    let received: ReceivedCandidate = serde_json::from_value(value).ok()?;
    let candidate = received.candidate.unwrap_or_default();
    Some(IceCandidate {
        // The SDK on node-datachannel sends whole SDP lines, including the attribute prefix.
        candidate: candidate.strip_prefix("a=").map(str::to_owned).unwrap_or(candidate),
        sdp_mid: received.sdp_mid,
        sdp_m_line_index: received.sdp_m_line_index,
        username_fragment: received.username_fragment,
    })
}

/// A received candidate, any field of which may be absent or `null`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReceivedCandidate {
    candidate: Option<String>,
    sdp_mid: Option<String>,
    #[serde(rename = "sdpMLineIndex")]
    sdp_m_line_index: Option<u16>,
    username_fragment: Option<String>,
}
