//! Parses the frames of the hosted dialect and rewrites the address of forwarded ones.

use std::borrow::Cow;
use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::frame::{Malformed, keys, name, string};
use crate::route::Route;

/// A readable frame.
#[derive(Debug)]
pub(super) enum Frame<'a> {
    Request(Request<'a>),
    /// A request that this server does not know.
    Unknown(Cow<'a, str>),
    Forward(Forward<'a>),
    /// Neither a request nor addressed to a client, such as `{"leave":true}`.
    NoDestination,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request<'a> {
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

/// A frame for another client.
#[derive(Debug)]
pub(super) struct Forward<'a> {
    /// The addressee; `None` if the address is not a route of this server.
    pub(super) to: Option<Route>,
    text: &'a str,
    /// The position of the JSON string with the address in `text`.
    address: Range<usize>,
}

/// The keys that the server reads; it ignores all others.
#[derive(Deserialize)]
struct Keys<'a> {
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
    pub(super) fn parse(text: &'a str) -> Result<Self, Malformed> {
        let keys: Keys<'a> = keys(text)?;
        if let Some(request) = keys.request {
            let request = string(Some(request)).ok_or(Malformed::Field { key: "request" })?;
            return Self::parse_request(request, &keys);
        }
        let Some(address) = keys.uuid else { return Ok(Self::NoDestination) };
        let to = string(Some(address)).ok_or(Malformed::Field { key: "UUID" })?.parse().ok();
        Ok(Self::Forward(Forward { to, text, address: position(text, address.get()) }))
    }

    fn parse_request(request: Cow<'a, str>, keys: &Keys<'a>) -> Result<Self, Malformed> {
        Ok(Self::Request(match &*request {
            "seed" => Request::Seed { stream: name(keys.stream, "streamID")? },
            "play" => Request::Play { stream: name(keys.stream, "streamID")? },
            "joinroom" => Request::JoinRoom {
                room: room_name(keys)?,
                claim: keys.claim.is_some_and(|claim| claim.get() == "true"),
            },
            "migrate" => {
                let target = name(keys.target, "target")?;
                Request::Migrate { room: room_name(keys)?, target: target.parse().ok() }
            }
            "ping" => Request::Ping,
            _ => return Ok(Self::Unknown(request)),
        }))
    }
}

impl Forward<'_> {
    /// Returns the frame with the sender's route in place of the address, and every other byte unchanged.
    pub(super) fn text_from(&self, sender: Route) -> String {
        let (before, after) = (&self.text[..self.address.start], &self.text[self.address.end..]);
        format!("{before}\"{sender}\"{after}")
    }
}

/// Returns the position of `part`, a slice of `text`.
fn position(text: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    start..start + part.len()
}

fn room_name(keys: &Keys<'_>) -> Result<String, Malformed> {
    let room = name(keys.roomid, "roomid")?.trim().to_lowercase();
    if room.is_empty() { Err(Malformed::Field { key: "roomid" }) } else { Ok(room) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENDER: Route = Route::from_random([1; 16]);
    const SENDER_TEXT: &str = "01010101-0101-4101-8101-010101010101";

    fn forwarded(text: &str) -> String {
        match Frame::parse(text).unwrap() {
            Frame::Forward(forward) => forward.text_from(SENDER),
            other => panic!("{other:?}"),
        }
    }

    fn request(text: &str) -> Request<'_> {
        match Frame::parse(text).unwrap() {
            Frame::Request(request) => request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_forwarded_frame_keeps_order_numbers_and_white_space() {
        let text = r#" { "z":1.0e+2, "UUID" : "x" ,"a":10000000000000000000001,"z":-0,"é":"\u00e9\/","n":{"UUID":"x"} } "#;
        assert_eq!(forwarded(text), text.replacen("\"x\"", &format!("\"{SENDER_TEXT}\""), 1));
    }

    #[test]
    fn an_escaped_key_is_recognized() {
        assert_eq!(forwarded(r#"{"\u0055UID":"\u0078"}"#), format!(r#"{{"\u0055UID":"{SENDER_TEXT}"}}"#));
    }

    #[test]
    fn a_frame_cannot_carry_a_second_sender() {
        assert!(matches!(Frame::parse(r#"{"UUID":"x","UUID":"y"}"#), Err(Malformed::Json(_))));
    }

    #[test]
    fn a_null_request_counts_as_absent() {
        assert!(matches!(Frame::parse(r#"{"request":null,"UUID":"x"}"#), Ok(Frame::Forward(_))));
    }

    #[test]
    fn frames_without_a_destination_are_readable() {
        assert!(matches!(Frame::parse(r#"{"leave":true}"#), Ok(Frame::NoDestination)));
    }

    #[test]
    fn only_objects_are_frames() {
        for text in ["", "x", "[]", "[null,null,null,null,null,null]", "7", "{", "{}{}", "\"seed\""] {
            assert!(Frame::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn room_names_are_trimmed_and_lowered() {
        let expected = Request::JoinRoom { room: "studio ß".to_owned(), claim: true };
        assert_eq!(request(r#"{"request":"joinroom","roomid":"  Studio ß ","claim":true}"#), expected);
    }

    #[test]
    fn only_the_literal_true_claims() {
        for claim in ["false", "null", "1", "\"true\""] {
            let text = format!(r#"{{"request":"joinroom","roomid":"r","claim":{claim}}}"#);
            assert!(matches!(request(&text), Request::JoinRoom { claim: false, .. }), "{claim}");
        }
    }

    #[test]
    fn names_are_strings_of_a_reasonable_length() {
        let long = format!("\"{}\"", "x".repeat(257));
        for id in ["7", "\"\"", "null", "{}", &long] {
            let error = Frame::parse(&format!(r#"{{"request":"seed","streamID":{id}}}"#)).unwrap_err();
            assert!(error.to_string().contains("streamID"), "{error}");
        }
    }

    #[test]
    fn deep_nesting_is_accepted() {
        let text = format!(r#"{{"UUID":"x","a":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert!(Frame::parse(&text).is_ok());
    }
}
