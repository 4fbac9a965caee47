//! Frames on the data channel; one frame may contain several messages in different fields.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use rejoin_core::Identity;
use rejoin_core::delivery::wire::{self, HelloFields};
use rejoin_core::id::{SessionId, SignalingAddress};
use rejoin_core::message::{ChannelMessage, Hello, Payload, RejoinHello, SignalingMessage, Token};
use rejoin_core::port::{ChannelFrame, DialectError};

use crate::fields::Fields;
use crate::peer_frames;
use crate::truncate::truncate;
use crate::wire_codec::{SignalingPath, WireCodec, to_json};

/// The version of the `rejoin` key that we write and read.
const REJOIN_VERSION: u32 = 1;

/// The most characters of a peer's label, which accompanies every message to the application.
const MAX_LABEL_LENGTH: usize = 256;

/// The preferences that viewers announce; each of them marks a hello. `scene` and `director` are left out, because
/// they also occur in later frames that control a scene.
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
    // A publisher adds no media for a viewer that requests none.
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
    delivery: Option<HelloFields>,
    /// Whether the sender keeps a spare connection.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    spare: bool,
}

#[derive(Serialize)]
struct SpareFrame<'message> {
    /// The session of the offer that follows; `null` from a viewer, which requests the offer.
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
pub(crate) fn encode(codec: &WireCodec, message: &ChannelMessage) -> Result<ChannelFrame, DialectError> {
    match message {
        ChannelMessage::Delivery(frame) => Ok(ChannelFrame::Binary(wire::encode(frame))),
        message => encode_text(codec, message).map(ChannelFrame::Text),
    }
}

fn encode_text(codec: &WireCodec, message: &ChannelMessage) -> Result<String, DialectError> {
    match message {
        ChannelMessage::Hello(hello) => to_json(&HelloFrame {
            info: OutgoingInfo { label: hello.label.as_deref() },
            audio: false,
            video: false,
            rejoin: hello.rejoin.as_ref().map(|rejoin| RejoinFrame {
                v: REJOIN_VERSION,
                id: rejoin.identity,
                uuid: rejoin.address.clone(),
                delivery: rejoin.delivery.as_ref().map(HelloFields::from),
                spare: rejoin.spares,
            }),
        }),
        ChannelMessage::Ping(token) => {
            to_json(&ValueFrame { ping: json(&token.0)?, ..ValueFrame::default() })
        }
        ChannelMessage::Pong(token) => {
            to_json(&ValueFrame { pong: json(&token.0)?, ..ValueFrame::default() })
        }
        ChannelMessage::Bye => encode_signaling(codec, &SignalingMessage::Bye { address: None }),
        ChannelMessage::Signaling(message) => encode_signaling(codec, message),
        ChannelMessage::Application(payload) => {
            to_json(&ValueFrame { pipe: json(&payload.0)?, ..ValueFrame::default() })
        }
        ChannelMessage::Delivery(_) => Err(unsendable("a delivery frame")),
        ChannelMessage::Ignored => Err(unsendable("an ignored message")),
        _ => Err(unsendable("a message of a newer core")),
    }
}

fn encode_signaling(codec: &WireCodec, message: &SignalingMessage) -> Result<String, DialectError> {
    match message {
        SignalingMessage::Withdraw { session } => to_json(&WithdrawalFrame { withdraw: session }),
        SignalingMessage::Spare { session } => to_json(&SpareFrame { spare: session.as_ref() }),
        SignalingMessage::JoinRoom { .. } => Err(unsendable("joining a room")),
        SignalingMessage::Present => Err(unsendable("a client id for the server")),
        SignalingMessage::Seed { .. } => Err(unsendable("a seed")),
        SignalingMessage::Play { .. } => Err(unsendable("a play")),
        SignalingMessage::OfferRequested { .. } => Err(unsendable("a request for an offer")),
        SignalingMessage::Listing { .. } => Err(unsendable("a listing")),
        SignalingMessage::Joined(_) => Err(unsendable("an announcement of a member")),
        SignalingMessage::Alert { .. } => Err(unsendable("an alert")),
        SignalingMessage::Unknown { .. } => Err(unsendable("an unknown request")),
        other => peer_frames::encode(codec, SignalingPath::Channel, other)?
            .ok_or_else(|| unsendable("a message of a newer core")),
    }
}

/// Returns the messages of a text frame: hello, ping, pong, signaling, application, bye.
///
/// `UUID` is ignored: no server has replaced it, so it contains the receiver.
pub(crate) fn decode(codec: &WireCodec, frame: &str) -> Result<Vec<ChannelMessage>, DialectError> {
    let fields = Fields::parse(frame)?;
    let mut messages = Vec::new();
    messages.extend(hello(&fields).map(ChannelMessage::Hello));
    messages.extend(fields.raw("ping").map(|token| ChannelMessage::Ping(Token(Arc::from(token)))));
    messages.extend(fields.raw("pong").map(|token| ChannelMessage::Pong(Token(Arc::from(token)))));
    let signaling = peer_frames::decode(&fields, codec, None)?;
    messages.extend(signaling.into_iter().map(ChannelMessage::Signaling));
    // The key is ours: a frame in which it has another type contains no withdrawal.
    if let Some(session) = fields.text("withdraw").ok().flatten().filter(|session| !session.is_empty()) {
        let session = SessionId(Arc::from(session));
        messages.push(ChannelMessage::Signaling(SignalingMessage::Withdraw { session }));
    }
    if let Some(session) = fields.raw("spare").and_then(spare) {
        messages.push(ChannelMessage::Signaling(SignalingMessage::Spare { session }));
    }
    messages.extend(fields.raw("pipe").map(|value| ChannelMessage::Application(Payload(Arc::from(value)))));
    // Here the presence of the key counts, and over the server its truthiness, as in VDO.Ninja's own clients.
    if fields.has("bye") {
        messages.push(ChannelMessage::Bye);
    }
    if messages.is_empty() {
        messages.push(ChannelMessage::Ignored);
    }
    Ok(messages)
}

/// Returns the messages of a binary frame: delivery, or a text frame; anything else is ignored.
pub(crate) fn decode_binary(codec: &WireCodec, frame: &[u8]) -> Result<Vec<ChannelMessage>, DialectError> {
    if let Some(frame) = wire::decode(frame) {
        let frame = frame.map_err(|error| DialectError(error.to_string()))?;
        return Ok(vec![ChannelMessage::Delivery(frame)]);
    }
    match std::str::from_utf8(frame) {
        Ok(text) if Fields::parse(text).is_ok() => decode(codec, text),
        Ok(_) | Err(_) => Ok(vec![ChannelMessage::Ignored]),
    }
}

/// Returns the session of a spare's offer; `null` requests an offer, and any other value is ignored.
fn spare(raw: &str) -> Option<Option<SessionId>> {
    let session: Option<String> = serde_json::from_str(raw).ok()?;
    let is_valid = session.as_ref().is_none_or(|session| !session.is_empty());
    is_valid.then(|| session.map(|session| SessionId(Arc::from(session))))
}

fn hello(fields: &Fields<'_>) -> Option<Hello> {
    let info = fields.raw("info").filter(|info| info.starts_with('{'));
    let is_hello =
        info.is_some() || fields.has("rejoin") || PREFERENCES.iter().any(|preference| fields.has(preference));
    is_hello.then(|| Hello { label: info.and_then(label), rejoin: fields.raw("rejoin").and_then(rejoin) })
}

fn label(info: &str) -> Option<String> {
    match serde_json::from_str::<ReceivedInfo>(info).ok()?.label? {
        Value::String(label) => Some(label.chars().take(MAX_LABEL_LENGTH).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn rejoin(raw: &str) -> Option<RejoinHello> {
    let frame: RejoinFrame = serde_json::from_str(raw).ok().filter(|_| raw.starts_with('{'))?;
    (frame.v == REJOIN_VERSION).then(|| RejoinHello {
        identity: frame.id,
        address: frame.uuid,
        delivery: frame.delivery.and_then(HelloFields::read),
        spares: frame.spare,
    })
}

/// Checks that `text` is one JSON value, and keeps it unchanged.
fn json(text: &str) -> Result<Option<Box<RawValue>>, DialectError> {
    RawValue::from_string(text.to_owned()).map(Some).map_err(|_| {
        DialectError(format!("\"{}\" is not a JSON value; quote it to send text", truncate(text)))
    })
}

fn unsendable(message: &str) -> DialectError {
    DialectError(format!("{message} has no form on the data channel; send it over the signaling server"))
}
