//! Frames between a client and its server, which have a `request`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use rejoin_core::StreamId;
use rejoin_core::id::{RoomId, SignalingAddress};
use rejoin_core::message::{AlertKind, Member, SignalingMessage};
use rejoin_core::port::DialectError;

use crate::alert;
use crate::fields::{Fields, missing, wrong_kind};
use crate::truncate::truncate;
use crate::wire_codec::{WireCodec, to_json};

/// An outgoing request, with its fields in the order of the existing clients and servers.
#[derive(Default, Serialize)]
struct Frame<'message> {
    request: &'static str,
    #[serde(rename = "UUID", skip_serializing_if = "Option::is_none")]
    address: Option<&'message SignalingAddress>,
    #[serde(rename = "streamID", skip_serializing_if = "Option::is_none")]
    stream: Option<String>,
    #[serde(rename = "roomid", skip_serializing_if = "Option::is_none")]
    room: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<Vec<ListedMember>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    director: Option<&'message SignalingAddress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'message str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

/// A member in a listing.
#[derive(Serialize, Deserialize)]
struct ListedMember {
    #[serde(rename = "UUID")]
    address: Option<String>,
    #[serde(rename = "streamID", skip_serializing_if = "Option::is_none")]
    stream: Option<String>,
}

/// Returns the request for a stream: `seed` or `play`.
pub(crate) fn stream_frame(
    request: &'static str,
    codec: &WireCodec,
    stream: &StreamId,
) -> Result<String, DialectError> {
    to_json(&Frame { request, stream: Some(codec.wire_stream(stream)?), ..Frame::default() })
}

/// Returns the request to join a room.
pub(crate) fn join_frame(
    codec: &WireCodec,
    room: &RoomId,
    claim: Option<bool>,
    stream: Option<&StreamId>,
) -> Result<String, DialectError> {
    let room = Some(codec.wire_room(room)?);
    let stream = stream.map(|stream| codec.wire_stream(stream)).transpose()?;
    to_json(&Frame { request: "joinroom", stream, room, claim, ..Frame::default() })
}

/// Returns the server's request for an offer.
pub(crate) fn offer_request_frame(
    codec: &WireCodec,
    address: &SignalingAddress,
    stream: Option<&StreamId>,
) -> Result<String, DialectError> {
    let stream = stream.map(|stream| codec.wire_stream(stream)).transpose()?;
    to_json(&Frame { request: "offerSDP", address: Some(address), stream, ..Frame::default() })
}

/// Returns the server's listing of a room.
pub(crate) fn listing_frame(
    codec: &WireCodec,
    members: &[Member],
    director: Option<&SignalingAddress>,
    claim: Option<bool>,
) -> Result<String, DialectError> {
    let list = members
        .iter()
        .map(|member| {
            let stream = member.stream.as_ref().map(|stream| codec.wire_stream(stream)).transpose()?;
            Ok(ListedMember { address: Some(member.address.0.as_ref().to_owned()), stream })
        })
        .collect::<Result<_, DialectError>>()?;
    to_json(&Frame { request: "listing", list: Some(list), director, claim, ..Frame::default() })
}

/// Returns the server's announcement that a member joined, or that it publishes.
pub(crate) fn joined_frame(codec: &WireCodec, member: &Member) -> Result<String, DialectError> {
    let stream = member.stream.as_ref().map(|stream| codec.wire_stream(stream)).transpose()?;
    let request = if stream.is_some() { "videoaddedtoroom" } else { "someonejoined" };
    to_json(&Frame { request, address: Some(&member.address), stream, ..Frame::default() })
}

/// Returns the server's alert.
pub(crate) fn alert_frame(kind: AlertKind, text: &str) -> Result<String, DialectError> {
    to_json(&Frame { request: "alert", message: Some(text), code: alert::code(kind), ..Frame::default() })
}

/// Returns the message of a frame with this `request`.
pub(crate) fn decode(
    request: &str,
    fields: &Fields<'_>,
    codec: &WireCodec,
) -> Result<SignalingMessage, DialectError> {
    let stream = |fields: &Fields<'_>| -> Result<Option<StreamId>, DialectError> {
        Ok(fields.text("streamID")?.map(|stream| codec.local_stream(&stream)))
    };
    let require_stream = || stream(fields)?.ok_or_else(|| missing("streamID", request));
    let require_address = || address(fields)?.ok_or_else(|| missing("UUID", request));
    Ok(match request {
        "offerSDP" | "sendoffer" => {
            SignalingMessage::OfferRequested { address: require_address()?, stream: stream(fields)? }
        }
        // Servers that forward a viewer's own frame add the viewer's address.
        "play" => match address(fields)? {
            Some(address) => SignalingMessage::OfferRequested { address, stream: stream(fields)? },
            None => SignalingMessage::Play { stream: require_stream()? },
        },
        "seed" => SignalingMessage::Seed { stream: require_stream()? },
        "joinroom" => SignalingMessage::JoinRoom {
            room: RoomId(fields.text("roomid")?.ok_or_else(|| missing("roomid", request))?.into()),
            claim: fields.truthy("claim"),
            stream: stream(fields)?,
        },
        "listing" | "transferred" => SignalingMessage::Listing {
            members: members(fields, codec)?,
            director: fields.text("director")?.map(|director| SignalingAddress(director.into())),
            claim: fields.has("claim").then(|| fields.truthy("claim")),
        },
        "someonejoined" | "videoaddedtoroom" => {
            SignalingMessage::Joined(Member { address: require_address()?, stream: stream(fields)? })
        }
        "alert" | "error" => alert_of(fields, "message"),
        "cleanup" => SignalingMessage::Bye { address: Some(require_address()?) },
        unknown => SignalingMessage::Unknown { request: truncate(unknown) },
    })
}

/// Returns the alert with the text of the field `name`; one with an unreadable text is still an alert.
pub(crate) fn alert_of(fields: &Fields<'_>, name: &str) -> SignalingMessage {
    let code = fields.text("code").ok().flatten();
    let text = match fields.text(name) {
        Ok(text) => text,
        Err(_) => fields.raw(name).map(str::to_owned),
    };
    let text = text.or_else(|| code.clone()).unwrap_or_default();
    SignalingMessage::Alert { kind: alert::classify(&text, code.as_deref()), text: truncate(&text) }
}

/// Returns the address of the peer in a frame.
pub(crate) fn address(fields: &Fields<'_>) -> Result<Option<SignalingAddress>, DialectError> {
    Ok(fields.text("UUID")?.map(|address| SignalingAddress(Arc::from(address))))
}

/// Reads a list of members, and skips those without an address.
fn members(fields: &Fields<'_>, codec: &WireCodec) -> Result<Vec<Member>, DialectError> {
    let Some(list) = fields.value("list")? else { return Ok(Vec::new()) };
    let listed: Vec<ListedMember> =
        serde_json::from_value(list).map_err(|_| wrong_kind("list", "a list of members"))?;
    Ok(listed
        .into_iter()
        .filter_map(|member| {
            let address = SignalingAddress(member.address.filter(|address| !address.is_empty())?.into());
            let stream = member.stream.filter(|stream| !stream.is_empty());
            Some(Member { address, stream: stream.map(|stream| codec.local_stream(&stream)) })
        })
        .collect())
}
