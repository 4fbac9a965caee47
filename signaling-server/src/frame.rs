//! Reads what a client sent, and readdresses what goes on to another client.

use std::borrow::Cow;
use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::route::Route;

/// Longest stream id and room id; clients hash and shorten theirs to some 70 bytes.
const NAME_BYTES: usize = 256;

/// A readable frame.
#[derive(Debug)]
pub(crate) enum Frame<'a> {
    Request(Request<'a>),
    /// A request that this server does not know.
    Unknown(Cow<'a, str>),
    Forward(Forward<'a>),
    /// Neither for the server nor for anybody, such as `{"leave":true}`.
    Nowhere,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request<'a> {
    Seed {
        stream: Cow<'a, str>,
    },
    Play {
        stream: Cow<'a, str>,
    },
    /// The room id is trimmed and in lower case.
    JoinRoom {
        room: String,
        claim: bool,
    },
    Migrate {
        room: String,
        target: Option<Route>,
    },
    Ping,
}

/// A frame for another client, kept as it came.
#[derive(Debug)]
pub(crate) struct Forward<'a> {
    /// The addressee, unless its name is none of ours.
    pub(crate) to: Option<Route>,
    text: &'a str,
    /// Where the JSON string with the address stands in `text`.
    address: Range<usize>,
}

/// Says why a frame could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// The frame is no valid JSON, or names one of our keys twice.
    #[error("frame is not readable JSON ({0}); send one JSON object per text frame")]
    Json(#[from] serde_json::Error),
    /// The frame does not begin like an object.
    #[error("frame is not a JSON object; send one JSON object per text frame")]
    NotAnObject,
    /// The frame is binary.
    #[error("frame is binary; send JSON in text frames")]
    Binary,
    /// A key is absent, empty, too long or not a string.
    #[error("`{key}` is not a string of 1 to 256 bytes; send one")]
    Field {
        /// The key.
        key: &'static str,
    },
}

/// The keys that the server looks at; all others pass unseen.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    request: Option<&'a RawValue>,
    #[serde(borrow, rename = "UUID")]
    uuid: Option<&'a RawValue>,
    #[serde(borrow, rename = "streamID")]
    stream: Option<&'a RawValue>,
    #[serde(borrow)]
    roomid: Option<&'a RawValue>,
    #[serde(borrow)]
    claim: Option<&'a RawValue>,
    #[serde(borrow)]
    target: Option<&'a RawValue>,
}

impl<'a> Frame<'a> {
    pub(crate) fn read(text: &'a str) -> Result<Self, Malformed> {
        require_object(text)?;
        let envelope: Envelope<'a> = serde_json::from_str(text)?;
        if let Some(request) = envelope.request {
            let request = string(Some(request)).ok_or(Malformed::Field { key: "request" })?;
            return Frame::read_request(request, &envelope);
        }
        let Some(address) = envelope.uuid else { return Ok(Frame::Nowhere) };
        let name = string(Some(address)).ok_or(Malformed::Field { key: "UUID" })?;
        Ok(Frame::Forward(Forward { to: name.parse().ok(), text, address: place(text, address.get()) }))
    }

    fn read_request(request: Cow<'a, str>, envelope: &Envelope<'a>) -> Result<Self, Malformed> {
        Ok(Self::Request(match &*request {
            "seed" => Request::Seed { stream: name(envelope.stream, "streamID")? },
            "play" => Request::Play { stream: name(envelope.stream, "streamID")? },
            "joinroom" => Request::JoinRoom {
                room: room_name(envelope)?,
                claim: envelope.claim.is_some_and(|claim| claim.get() == "true"),
            },
            "migrate" => {
                let target = name(envelope.target, "target")?;
                Request::Migrate { room: room_name(envelope)?, target: target.parse().ok() }
            }
            "ping" => Request::Ping,
            _ => return Ok(Self::Unknown(request)),
        }))
    }
}

impl Forward<'_> {
    /// Returns the frame with the sender's name in place of the addressee's and every other byte as it came.
    pub(crate) fn signed_by(&self, sender: Route) -> String {
        let (before, after) = (&self.text[..self.address.start], &self.text[self.address.end..]);
        format!("{before}\"{sender}\"{after}")
    }
}

/// Returns where `part`, a slice of `text`, stands in it.
fn place(text: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    start..start + part.len()
}

fn room_name(envelope: &Envelope<'_>) -> Result<String, Malformed> {
    let room = name(envelope.roomid, "roomid")?.trim().to_lowercase();
    if room.is_empty() { Err(Malformed::Field { key: "roomid" }) } else { Ok(room) }
}

/// Refuses what is no object; serde would also fill an envelope from an array.
pub(crate) fn require_object(text: &str) -> Result<(), Malformed> {
    if text.trim_start().starts_with('{') { Ok(()) } else { Err(Malformed::NotAnObject) }
}

/// Reads a string of a reasonable length.
pub(crate) fn name<'a>(value: Option<&'a RawValue>, key: &'static str) -> Result<Cow<'a, str>, Malformed> {
    string(value).filter(|name| !name.is_empty() && name.len() <= NAME_BYTES).ok_or(Malformed::Field { key })
}

/// Reads a string.
pub(crate) fn string(value: Option<&RawValue>) -> Option<Cow<'_, str>> {
    let json = value?.get();
    match serde_json::from_str::<&str>(json) {
        Ok(text) => Some(Cow::Borrowed(text)),
        // A string with escapes cannot be borrowed.
        Err(_) => serde_json::from_str::<String>(json).ok().map(Cow::Owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENDER: Route = Route::from_random([1; 16]);
    const SENDER_TEXT: &str = "01010101-0101-4101-8101-010101010101";

    fn relayed(text: &str) -> String {
        match Frame::read(text).unwrap() {
            Frame::Forward(relay) => relay.signed_by(SENDER),
            other => panic!("{other:?}"),
        }
    }

    fn request(text: &str) -> Request<'_> {
        match Frame::read(text).unwrap() {
            Frame::Request(request) => request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn readdressing_keeps_order_numbers_and_white_space() {
        let text = r#" { "z":1.0e+2, "UUID" : "x" ,"a":10000000000000000000001,"z":-0,"é":"\u00e9\/","n":{"UUID":"x"} } "#;
        assert_eq!(relayed(text), text.replacen("\"x\"", &format!("\"{SENDER_TEXT}\""), 1));
    }

    #[test]
    fn an_escaped_key_is_still_the_address() {
        assert_eq!(relayed(r#"{"\u0055UID":"\u0078"}"#), format!(r#"{{"\u0055UID":"{SENDER_TEXT}"}}"#));
    }

    #[test]
    fn a_frame_cannot_carry_a_second_sender() {
        assert!(matches!(Frame::read(r#"{"UUID":"x","UUID":"y"}"#), Err(Malformed::Json(_))));
    }

    #[test]
    fn a_null_request_is_none() {
        assert!(matches!(Frame::read(r#"{"request":null,"UUID":"x"}"#), Ok(Frame::Forward(_))));
    }

    #[test]
    fn frames_for_nobody_are_readable() {
        assert!(matches!(Frame::read(r#"{"leave":true}"#), Ok(Frame::Nowhere)));
    }

    #[test]
    fn only_objects_are_frames() {
        for text in ["", "x", "[]", "[null,null,null,null,null,null]", "7", "{", "{}{}", "\"seed\""] {
            assert!(Frame::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn room_names_are_trimmed_and_lowered() {
        let expected = Request::JoinRoom { room: "studio ß".to_owned(), claim: true };
        assert_eq!(request(r#"{"request":"joinroom","roomid":"  Studio ß ","claim":true}"#), expected);
    }

    #[test]
    fn a_claim_other_than_true_is_none() {
        for claim in ["false", "null", "1", "\"true\""] {
            let text = format!(r#"{{"request":"joinroom","roomid":"r","claim":{claim}}}"#);
            assert!(matches!(request(&text), Request::JoinRoom { claim: false, .. }), "{claim}");
        }
    }

    #[test]
    fn names_are_strings_of_a_reasonable_length() {
        let long = format!("\"{}\"", "x".repeat(NAME_BYTES + 1));
        for id in ["7", "\"\"", "null", "{}", &long] {
            let error = Frame::read(&format!(r#"{{"request":"seed","streamID":{id}}}"#)).unwrap_err();
            assert!(error.to_string().contains("streamID"), "{error}");
        }
    }

    #[test]
    fn deep_nesting_is_no_danger() {
        let text = format!(r#"{{"UUID":"x","a":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert!(Frame::read(&text).is_ok());
    }
}
