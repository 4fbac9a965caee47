//! Frames from peer to peer: descriptions, candidates, wishes for a restart and farewells.
//!
//! They travel over the server and over the data channel; only the spelling of the stream differs.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use rejoin_core::id::{SessionId, SignalingAddress};
use rejoin_core::message::SignalingMessage;
use rejoin_core::port::DialectError;
use rejoin_core::sdp::Description;
use rejoin_core::{Direction, IceCandidate};

use crate::codebook::{Carrier, Codebook, Content, Received, to_json};
use crate::excerpt::excerpt;
use crate::fields::{Fields, wrong_kind};

/// A description on its way out, its fields in the order that VDO.Ninja's SDK writes them.
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

/// A description and the vector it was sealed under.
#[derive(Serialize)]
pub(crate) struct SealedDescription<'message> {
    description: Content<&'message Description>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vector: Option<String>,
}

impl<'message> SealedDescription<'message> {
    /// Seals `description` if there is a password.
    pub(crate) fn new(codebook: &Codebook, description: &'message Description) -> Result<Self, DialectError> {
        let (description, vector) = codebook.seal(description)?;
        Ok(Self { description, vector })
    }
}

/// Candidates to send.
pub(crate) struct OutgoingCandidates<'message> {
    /// The peer.
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
struct WishFrame<'message> {
    #[serde(rename = "UUID", skip_serializing_if = "Option::is_none")]
    address: Option<&'message SignalingAddress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ice_restart_request: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bye: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'message SessionId>,
}

/// Returns the frame of a message to a peer by way of the server; `None` for every other message.
pub(crate) fn encode(
    codebook: &Codebook,
    message: &SignalingMessage,
) -> Result<Option<String>, DialectError> {
    match message {
        SignalingMessage::Description { address, session, stream, description } => {
            to_json(&DescriptionFrame {
                address: Some(addressed(address.as_ref(), "a description")?),
                session: session.as_ref(),
                stream: stream.as_ref().map(|stream| codebook.wire_stream(stream)).transpose()?,
                content: SealedDescription::new(codebook, description)?,
            })
        }
        SignalingMessage::Candidates { address, session, sender, candidates } => candidates_frame(
            codebook,
            OutgoingCandidates {
                address: Some(addressed(address.as_ref(), "a candidate")?),
                session: session.as_ref(),
                sender: *sender,
                candidates,
            },
        ),
        SignalingMessage::RestartIce { address, session } => {
            restart_frame(Some(addressed(address.as_ref(), "a wish for an ice restart")?), session.as_ref())
        }
        SignalingMessage::Bye { address } => bye_frame(Some(addressed(address.as_ref(), "a farewell")?)),
        _ => return Ok(None),
    }
    .map(Some)
}

/// Returns the address that the server needs to deliver `message`.
fn addressed<'message>(
    address: Option<&'message SignalingAddress>,
    message: &str,
) -> Result<&'message SignalingAddress, DialectError> {
    address.ok_or_else(|| {
        DialectError(format!("{message} has no address; name its receiver, or send it over the data channel"))
    })
}

/// Returns the error for a message that the wire of `dialect` has no words for.
pub(crate) fn unsendable(message: &str, dialect: &str) -> DialectError {
    let message = excerpt(message);
    DialectError(format!("\"{message}\" has no form in the {dialect} dialect; do not send it"))
}

/// Returns the frame of candidates, its fields in the order that every recorded client writes them.
pub(crate) fn candidates_frame(
    codebook: &Codebook,
    outgoing: OutgoingCandidates<'_>,
) -> Result<String, DialectError> {
    let OutgoingCandidates { address, session, sender, candidates } = outgoing;
    let (candidates, vector) = codebook.seal(candidates)?;
    let r#type = match sender {
        Direction::Publishing => "local",
        Direction::Viewing => "remote",
    };
    to_json(&CandidatesFrame { address, r#type, candidates, session, vector })
}

/// Returns the frame that asks for an ICE restart.
pub(crate) fn restart_frame(
    address: Option<&SignalingAddress>,
    session: Option<&SessionId>,
) -> Result<String, DialectError> {
    to_json(&WishFrame { address, ice_restart_request: Some(true), bye: None, session })
}

/// Returns the frame that says farewell.
pub(crate) fn bye_frame(address: Option<&SignalingAddress>) -> Result<String, DialectError> {
    to_json(&WishFrame { address, ice_restart_request: None, bye: Some(true), session: None })
}

/// Returns what a frame says to a peer, but for farewells, which each path words differently.
pub(crate) fn decode(
    fields: &Fields<'_>,
    codebook: &Codebook,
    address: Option<&SignalingAddress>,
) -> Result<Vec<SignalingMessage>, DialectError> {
    let vector = fields.text("vector")?;
    let carrier = if address.is_some() { Carrier::Server } else { Carrier::Channel };
    let mut messages = Vec::new();
    if let Some(content) = fields.value("description")? {
        let received = Received { content, vector: vector.as_deref(), carrier };
        messages.push(SignalingMessage::Description {
            address: address.cloned(),
            session: session(fields)?,
            stream: fields.text("streamID")?.map(|stream| codebook.our_stream(&stream)),
            description: codebook.open("description", received, read_description)?,
        });
    }
    for name in ["candidates", "candidate"] {
        let Some(content) = fields.value(name)? else { continue };
        let received = Received { content, vector: vector.as_deref(), carrier };
        messages.push(SignalingMessage::Candidates {
            address: address.cloned(),
            session: session(fields)?,
            sender: sender(fields)?,
            candidates: codebook.open(name, received, read_candidates)?,
        });
    }
    if fields.truthy("iceRestartRequest") {
        messages.push(SignalingMessage::RestartIce { address: address.cloned(), session: session(fields)? });
    }
    Ok(messages)
}

/// Reads a session; the Flutter client writes milliseconds, which may arrive as a number.
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
        // The SDK on node-datachannel sends whole SDP lines, attribute prefix included.
        candidate: candidate.strip_prefix("a=").map(str::to_owned).unwrap_or(candidate),
        sdp_mid: received.sdp_mid,
        sdp_m_line_index: received.sdp_m_line_index,
        username_fragment: received.username_fragment,
    })
}

/// A candidate as other clients write it: any field may be missing or `null`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReceivedCandidate {
    candidate: Option<String>,
    sdp_mid: Option<String>,
    #[serde(rename = "sdpMLineIndex")]
    sdp_m_line_index: Option<u16>,
    username_fragment: Option<String>,
}
