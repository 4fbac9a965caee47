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
pub(crate) struct DescriptionFrame<'message> {
    #[serde(rename = "UUID", skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<&'message SignalingAddress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<&'message SessionId>,
    #[serde(rename = "streamID", skip_serializing_if = "Option::is_none")]
    pub(crate) stream: Option<String>,
    #[serde(flatten)]
    pub(crate) content: SealedDescription<'message>,
}

/// A description, and its vector if it is encrypted.
#[derive(Serialize)]
pub(crate) struct SealedDescription<'message> {
    description: Content<&'message Description>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vector: Option<String>,
}

impl<'message> SealedDescription<'message> {
    /// Encrypts `description` if there is a password.
    pub(crate) fn new(codec: &WireCodec, description: &'message Description) -> Result<Self, DialectError> {
        let (description, vector) = codec.seal(description)?;
        Ok(Self { description, vector })
    }
}

/// Outgoing candidates.
pub(crate) struct OutgoingCandidates<'message> {
    /// The address of the peer.
    pub(crate) address: Option<&'message SignalingAddress>,
    /// The session.
    pub(crate) session: Option<&'message SessionId>,
    /// Our own direction.
    pub(crate) sender: Direction,
    /// The candidates.
    pub(crate) candidates: &'message [IceCandidate],
}

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

#[derive(Serialize)]
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

/// Returns the frame of a message to a peer over the server, or `None` for every other message.
pub(crate) fn encode(codec: &WireCodec, message: &SignalingMessage) -> Result<Option<String>, DialectError> {
    match message {
        SignalingMessage::Description { address, session, stream, description } => {
            to_json(&DescriptionFrame {
                address: Some(require_address(address.as_ref(), "a description")?),
                session: session.as_ref(),
                stream: stream.as_ref().map(|stream| codec.wire_stream(stream)).transpose()?,
                content: SealedDescription::new(codec, description)?,
            })
        }
        SignalingMessage::Candidates { address, session, sender, candidates } => candidates_frame(
            codec,
            OutgoingCandidates {
                address: Some(require_address(address.as_ref(), "a candidate")?),
                session: session.as_ref(),
                sender: *sender,
                candidates,
            },
        ),
        SignalingMessage::RestartIce { address, session } => restart_frame(
            Some(require_address(address.as_ref(), "a request for an ICE restart")?),
            session.as_ref(),
        ),
        SignalingMessage::Bye { address } => bye_frame(Some(require_address(address.as_ref(), "a bye")?)),
        _ => return Ok(None),
    }
    .map(Some)
}

/// Returns the address that the server needs to deliver `message`.
fn require_address<'message>(
    address: Option<&'message SignalingAddress>,
    message: &str,
) -> Result<&'message SignalingAddress, DialectError> {
    address.ok_or_else(|| {
        DialectError(format!("{message} has no address; name its receiver, or send it over the data channel"))
    })
}

/// Returns the error for a message that the dialect cannot encode.
pub(crate) fn unsendable(message: &str, dialect: &str) -> DialectError {
    let message = truncate(message);
    DialectError(format!("\"{message}\" has no form in the {dialect} dialect; do not send it"))
}

/// Returns the frame of candidates, with its fields in the order of all recorded clients.
pub(crate) fn candidates_frame(
    codec: &WireCodec,
    outgoing: OutgoingCandidates<'_>,
) -> Result<String, DialectError> {
    let OutgoingCandidates { address, session, sender, candidates } = outgoing;
    let (candidates, vector) = codec.seal(candidates)?;
    let r#type = match sender {
        Direction::Publishing => "local",
        Direction::Viewing => "remote",
    };
    to_json(&CandidatesFrame { address, r#type, candidates, session, vector })
}

/// Returns the frame that requests an ICE restart.
pub(crate) fn restart_frame(
    address: Option<&SignalingAddress>,
    session: Option<&SessionId>,
) -> Result<String, DialectError> {
    to_json(&ControlFrame { address, ice_restart_request: Some(true), bye: None, session })
}

/// Returns the frame that announces the end of a connection.
pub(crate) fn bye_frame(address: Option<&SignalingAddress>) -> Result<String, DialectError> {
    to_json(&ControlFrame { address, ice_restart_request: None, bye: Some(true), session: None })
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
