//! Frames between a client and its server: those with a `request`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use rejoin_core::StreamId;
use rejoin_core::id::{RoomId, SignalingAddress};
use rejoin_core::message::{AlertKind, Member, SignalingMessage};
use rejoin_core::port::DialectError;

use crate::alert;
use crate::codebook::{Codebook, to_json};
use crate::excerpt::excerpt;
use crate::fields::{Fields, missing, wrong_kind};

/// A request on its way out, its fields in the order that the clients and servers write them.
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
    codebook: &Codebook,
    stream: &StreamId,
) -> Result<String, DialectError> {
    to_json(&Frame { request, stream: Some(codebook.wire_stream(stream)?), ..Frame::default() })
}

/// Returns the request to enter a room.
pub(crate) fn join_frame(
    codebook: &Codebook,
    room: &RoomId,
    claim: Option<bool>,
    stream: Option<&StreamId>,
) -> Result<String, DialectError> {
    let room = Some(codebook.wire_room(room)?);
    let stream = stream.map(|stream| codebook.wire_stream(stream)).transpose()?;
    to_json(&Frame { request: "joinroom", stream, room, claim, ..Frame::default() })
}

/// Returns the server's request for an offer.
pub(crate) fn offer_request_frame(
    codebook: &Codebook,
    address: &SignalingAddress,
    stream: Option<&StreamId>,
) -> Result<String, DialectError> {
    let stream = stream.map(|stream| codebook.wire_stream(stream)).transpose()?;
    to_json(&Frame { request: "offerSDP", address: Some(address), stream, ..Frame::default() })
}

/// Returns the server's list of a room.
pub(crate) fn listing_frame(
    codebook: &Codebook,
    members: &[Member],
    director: Option<&SignalingAddress>,
    claim: Option<bool>,
) -> Result<String, DialectError> {
    let list = members
        .iter()
        .map(|member| {
            let stream = member.stream.as_ref().map(|stream| codebook.wire_stream(stream)).transpose()?;
            Ok(ListedMember { address: Some(member.address.0.as_ref().to_owned()), stream })
        })
        .collect::<Result<_, DialectError>>()?;
    to_json(&Frame { request: "listing", list: Some(list), director, claim, ..Frame::default() })
}

/// Returns the server's news of a member: that it came, or that it publishes.
pub(crate) fn joined_frame(codebook: &Codebook, member: &Member) -> Result<String, DialectError> {
    let stream = member.stream.as_ref().map(|stream| codebook.wire_stream(stream)).transpose()?;
    let request = if stream.is_some() { "videoaddedtoroom" } else { "someonejoined" };
    to_json(&Frame { request, address: Some(&member.address), stream, ..Frame::default() })
}

/// Returns the server's refusal or report.
pub(crate) fn alert_frame(kind: AlertKind, text: &str) -> Result<String, DialectError> {
    to_json(&Frame { request: "alert", message: Some(text), code: alert::code(kind), ..Frame::default() })
}

/// Returns what a frame with this `request` says.
pub(crate) fn decode(
    request: &str,
    fields: &Fields<'_>,
    codebook: &Codebook,
) -> Result<SignalingMessage, DialectError> {
    let stream = |fields: &Fields<'_>| -> Result<Option<StreamId>, DialectError> {
        Ok(fields.text("streamID")?.map(|stream| codebook.our_stream(&stream)))
    };
    let require_stream = || stream(fields)?.ok_or_else(|| missing("streamID", request));
    let require_address = || address(fields)?.ok_or_else(|| missing("UUID", request));
    Ok(match request {
        "offerSDP" | "sendoffer" => {
            SignalingMessage::OfferRequested { address: require_address()?, stream: stream(fields)? }
        }
        // Servers that pass a viewer's own words on add where it is.
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
            members: members(fields, codebook)?,
            director: fields.text("director")?.map(|director| SignalingAddress(director.into())),
            claim: fields.has("claim").then(|| fields.truthy("claim")),
        },
        "someonejoined" | "videoaddedtoroom" => {
            SignalingMessage::Joined(Member { address: require_address()?, stream: stream(fields)? })
        }
        "alert" | "error" => alert_of(fields, "message"),
        "cleanup" => SignalingMessage::Bye { address: Some(require_address()?) },
        unknown => SignalingMessage::Unknown { request: excerpt(unknown) },
    })
}

/// Returns the alert whose words stand in the field `name`; an unreadable one is still an alert.
pub(crate) fn alert_of(fields: &Fields<'_>, name: &str) -> SignalingMessage {
    let code = fields.text("code").ok().flatten();
    let words = match fields.text(name) {
        Ok(words) => words,
        Err(_) => fields.raw(name).map(str::to_owned),
    };
    let text = words.or_else(|| code.clone()).unwrap_or_default();
    SignalingMessage::Alert { kind: alert::classify(&text, code.as_deref()), text: excerpt(&text) }
}

/// Returns the peer that a frame names.
pub(crate) fn address(fields: &Fields<'_>) -> Result<Option<SignalingAddress>, DialectError> {
    Ok(fields.text("UUID")?.map(|address| SignalingAddress(Arc::from(address))))
}

/// Reads a list of members; one that the server cannot find is none.
fn members(fields: &Fields<'_>, codebook: &Codebook) -> Result<Vec<Member>, DialectError> {
    let Some(list) = fields.value("list")? else { return Ok(Vec::new()) };
    let listed: Vec<ListedMember> =
        serde_json::from_value(list).map_err(|_| wrong_kind("list", "a list of members"))?;
    Ok(listed
        .into_iter()
        .filter_map(|member| {
            let address = SignalingAddress(member.address.filter(|address| !address.is_empty())?.into());
            let stream = member.stream.filter(|stream| !stream.is_empty());
            Some(Member { address, stream: stream.map(|stream| codebook.our_stream(&stream)) })
        })
        .collect())
}
