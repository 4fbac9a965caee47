//! Frames on the data channel; a receiver looks at their fields, and several may be combined.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use rejoin_core::Identity;
use rejoin_core::id::{SessionId, SignalingAddress};
use rejoin_core::message::{ChannelMessage, Hello, Payload, RejoinHello, SignalingMessage, Token};
use rejoin_core::port::{ChannelFrame, DialectError};

use crate::codebook::{Codebook, to_json};
use crate::delivery::{self, DeliveryFrame};
use crate::directed::{self, DescriptionFrame, OutgoingCandidates, SealedDescription};
use crate::excerpt::excerpt;
use crate::fields::Fields;

/// The version of the `rejoin` key that we write and read.
const REJOIN_VERSION: u32 = 1;

/// Characters of a peer's label that are kept: it travels with every message to the application.
const LONGEST_LABEL: usize = 256;

/// What viewers announce about themselves; any one of these is a greeting. `scene` and `director` are left out,
/// because they also occur in frames that control a scene later on.
const PREFERENCES: [&str; 14] = [
    "audio",
    "video",
    "downloads",
    "allowmidi",
    "allowdrawing",
    "iframe",
    "widget",
    "broadcast",
    "allowwebp",
    "allowscreenaudio",
    "allowscreenvideo",
    "allowchunked",
    "limitaudio",
    "forceios",
];

#[derive(Serialize)]
struct HelloFrame<'message> {
    info: OutgoingInfo<'message>,
    // A publisher adds no media for a viewer that wants none.
    audio: bool,
    video: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    rejoin: Option<RejoinFrame>,
}

#[derive(Serialize)]
struct OutgoingInfo<'message> {
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'message str>,
}

#[derive(Serialize, Deserialize)]
struct RejoinFrame {
    v: u32,
    id: Identity,
    #[serde(skip_serializing_if = "Option::is_none")]
    uuid: Option<SignalingAddress>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delivery: Option<DeliveryFrame>,
    /// Whether the sender keeps a spare connection.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    spare: bool,
}

#[derive(Serialize)]
struct SpareFrame<'message> {
    /// The session of the offer that follows; nobody's name from a viewer, who asks for one.
    spare: Option<&'message SessionId>,
}

#[derive(Serialize)]
struct WithdrawalFrame<'message> {
    withdraw: &'message SessionId,
}

#[derive(Deserialize)]
struct ReceivedInfo {
    label: Option<Value>,
}

#[derive(Default, Serialize)]
struct ValueFrame {
    #[serde(skip_serializing_if = "Option::is_none")]
    ping: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pong: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pipe: Option<Box<RawValue>>,
}

/// Returns the frame of `message`.
pub(crate) fn encode(codebook: &Codebook, message: &ChannelMessage) -> Result<ChannelFrame, DialectError> {
    match delivery::encode(message) {
        Some(bytes) => Ok(ChannelFrame::Binary(bytes)),
        None => encode_text(codebook, message).map(ChannelFrame::Text),
    }
}

fn encode_text(codebook: &Codebook, message: &ChannelMessage) -> Result<String, DialectError> {
    match message {
        ChannelMessage::Hello(hello) => to_json(&HelloFrame {
            info: OutgoingInfo { label: hello.label.as_deref() },
            audio: false,
            video: false,
            rejoin: hello.rejoin.as_ref().map(|rejoin| RejoinFrame {
                v: REJOIN_VERSION,
                id: rejoin.identity,
                uuid: rejoin.address.clone(),
                delivery: rejoin.delivery.as_ref().map(DeliveryFrame::from),
                spare: rejoin.spares,
            }),
        }),
        ChannelMessage::Ping(token) => {
            to_json(&ValueFrame { ping: json(&token.0)?, ..ValueFrame::default() })
        }
        ChannelMessage::Pong(token) => {
            to_json(&ValueFrame { pong: json(&token.0)?, ..ValueFrame::default() })
        }
        ChannelMessage::Bye => directed::bye_frame(None),
        ChannelMessage::Signaling(message) => encode_signaling(codebook, message),
        ChannelMessage::Application(payload) => {
            to_json(&ValueFrame { pipe: json(&payload.0)?, ..ValueFrame::default() })
        }
        ChannelMessage::Ignored => Err(unsendable("what was ignored")),
        _ => Err(unsendable("a message of a newer core")),
    }
}

fn encode_signaling(codebook: &Codebook, message: &SignalingMessage) -> Result<String, DialectError> {
    match message {
        SignalingMessage::Description { address, session, stream, description } => {
            to_json(&DescriptionFrame {
                address: address.as_ref(),
                session: session.as_ref(),
                stream: stream.as_ref().map(|stream| codebook.bare_stream(stream)).transpose()?,
                content: SealedDescription::new(codebook, description)?,
            })
        }
        SignalingMessage::Candidates { address, session, sender, candidates } => directed::candidates_frame(
            codebook,
            OutgoingCandidates {
                address: address.as_ref(),
                session: session.as_ref(),
                sender: *sender,
                candidates,
            },
        ),
        SignalingMessage::RestartIce { address, session } => {
            directed::restart_frame(address.as_ref(), session.as_ref())
        }
        SignalingMessage::Bye { address } => directed::bye_frame(address.as_ref()),
        SignalingMessage::Withdraw { session } => to_json(&WithdrawalFrame { withdraw: session }),
        SignalingMessage::Spare { session } => to_json(&SpareFrame { spare: session.as_ref() }),
        SignalingMessage::JoinRoom { .. } => Err(unsendable("joining a room")),
        SignalingMessage::Present => Err(unsendable("a name for the server")),
        SignalingMessage::Seed { .. } => Err(unsendable("a seed")),
        SignalingMessage::Play { .. } => Err(unsendable("a play")),
        SignalingMessage::OfferRequested { .. } => Err(unsendable("a request for an offer")),
        SignalingMessage::Listing { .. } => Err(unsendable("a listing")),
        SignalingMessage::Joined(_) => Err(unsendable("news of a member")),
        SignalingMessage::Alert { .. } => Err(unsendable("an alert")),
        SignalingMessage::Unknown { .. } => Err(unsendable("an unknown request")),
        _ => Err(unsendable("a message of a newer core")),
    }
}

/// Returns what a text frame says: greeting, ping, pong, signaling, application, farewell.
///
/// A `UUID` is not looked at: no server rewrote it, so it names the receiver.
pub(crate) fn decode(codebook: &Codebook, frame: &str) -> Result<Vec<ChannelMessage>, DialectError> {
    let fields = Fields::parse(frame)?;
    let mut messages = Vec::new();
    messages.extend(hello(&fields).map(ChannelMessage::Hello));
    messages.extend(fields.raw("ping").map(|token| ChannelMessage::Ping(Token(Arc::from(token)))));
    messages.extend(fields.raw("pong").map(|token| ChannelMessage::Pong(Token(Arc::from(token)))));
    let signaling = directed::decode(&fields, codebook, None)?;
    messages.extend(signaling.into_iter().map(ChannelMessage::Signaling));
    // a word of our own, so a frame in which it is something else says something else
    if let Some(session) = fields.text("withdraw").ok().flatten().filter(|session| !session.is_empty()) {
        let session = SessionId(Arc::from(session));
        messages.push(ChannelMessage::Signaling(SignalingMessage::Withdraw { session }));
    }
    if let Some(session) = fields.raw("spare").and_then(spare) {
        messages.push(ChannelMessage::Signaling(SignalingMessage::Spare { session }));
    }
    messages.extend(fields.raw("pipe").map(|value| ChannelMessage::Application(Payload(Arc::from(value)))));
    // Presence counts here and truth over the server, as in VDO.Ninja's own clients.
    if fields.has("bye") {
        messages.push(ChannelMessage::Bye);
    }
    if messages.is_empty() {
        messages.push(ChannelMessage::Ignored);
    }
    Ok(messages)
}

/// Returns what a binary frame says: delivery, or text in disguise; anything else says nothing.
pub(crate) fn decode_binary(codebook: &Codebook, frame: &[u8]) -> Result<Vec<ChannelMessage>, DialectError> {
    if let Some(message) = delivery::decode(frame) {
        return message.map(|message| vec![message]);
    }
    match std::str::from_utf8(frame) {
        Ok(text) if Fields::parse(text).is_ok() => decode(codebook, text),
        Ok(_) | Err(_) => Ok(vec![ChannelMessage::Ignored]),
    }
}

/// Returns whose offer a spare's announcement is about; `null` asks for one, and anything else says nothing.
fn spare(raw: &str) -> Option<Option<SessionId>> {
    let session: Option<String> = serde_json::from_str(raw).ok()?;
    let named = session.as_ref().is_none_or(|session| !session.is_empty());
    named.then(|| session.map(|session| SessionId(Arc::from(session))))
}

fn hello(fields: &Fields<'_>) -> Option<Hello> {
    let info = fields.raw("info").filter(|info| info.starts_with('{'));
    let greets =
        info.is_some() || fields.has("rejoin") || PREFERENCES.iter().any(|preference| fields.has(preference));
    greets.then(|| Hello { label: info.and_then(label), rejoin: fields.raw("rejoin").and_then(rejoin) })
}

fn label(info: &str) -> Option<String> {
    match serde_json::from_str::<ReceivedInfo>(info).ok()?.label? {
        Value::String(label) => Some(label.chars().take(LONGEST_LABEL).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn rejoin(raw: &str) -> Option<RejoinHello> {
    let frame: RejoinFrame = serde_json::from_str(raw).ok().filter(|_| raw.starts_with('{'))?;
    (frame.v == REJOIN_VERSION).then(|| RejoinHello {
        identity: frame.id,
        address: frame.uuid,
        delivery: frame.delivery.and_then(DeliveryFrame::read),
        spares: frame.spare,
    })
}

/// Checks that `text` is one JSON value, and keeps its spelling.
fn json(text: &str) -> Result<Option<Box<RawValue>>, DialectError> {
    RawValue::from_string(text.to_owned())
        .map(Some)
        .map_err(|_| DialectError(format!("\"{}\" is no JSON value; quote it to send text", excerpt(text))))
}

fn unsendable(message: &str) -> DialectError {
    DialectError(format!("{message} has no form on the data channel; send it over the signaling server"))
}
