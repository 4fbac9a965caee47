//! Parses sender, addressee and request of a self-host frame; the server forwards the frame unchanged.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::frame::{Malformed, keys, name, string};

/// A readable frame.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) from: Option<Cow<'a, str>>,
    /// The only client that receives it.
    pub(super) to: Option<Cow<'a, str>>,
    pub(super) request: Request<'a>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request<'a> {
    Seed {
        stream: Cow<'a, str>,
    },
    Play {
        stream: Cow<'a, str>,
    },
    JoinRoom {
        room: Cow<'a, str>,
        stream: Option<Cow<'a, str>>,
    },
    /// A request that the server forwards without acting on it.
    Other,
    None,
}

/// The keys that the server reads; it ignores all others.
#[derive(Deserialize)]
struct Keys<'a> {
    #[serde(borrow)]
    from: Option<&'a RawValue>,
    #[serde(borrow, rename = "UUID")]
    uuid: Option<&'a RawValue>,
    #[serde(borrow)]
    request: Option<&'a RawValue>,
    #[serde(borrow, rename = "streamID")]
    stream: Option<&'a RawValue>,
    #[serde(borrow)]
    roomid: Option<&'a RawValue>,
}

impl<'a> Frame<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Malformed> {
        let keys: Keys<'a> = keys(text)?;
        Ok(Self {
            from: optional(keys.from, "from")?,
            to: optional(keys.uuid, "UUID")?,
            request: Request::parse(&keys)?,
        })
    }

    /// Whether every other client in the sender's room receives it.
    pub(super) fn is_broadcast(&self) -> bool {
        self.to.is_none() && !matches!(self.request, Request::Play { .. })
    }
}

impl<'a> Request<'a> {
    fn parse(keys: &Keys<'a>) -> Result<Self, Malformed> {
        let Some(request) = keys.request else { return Ok(Self::None) };
        let request = string(Some(request)).ok_or(Malformed::Field { key: "request" })?;
        Ok(match &*request {
            "seed" => Self::Seed { stream: name(keys.stream, "streamID")? },
            "play" => Self::Play { stream: name(keys.stream, "streamID")? },
            "joinroom" => Self::JoinRoom {
                room: name(keys.roomid, "roomid")?,
                stream: optional(keys.stream, "streamID")?,
            },
            _ => Self::Other,
        })
    }
}

fn optional<'a>(value: Option<&'a RawValue>, key: &'static str) -> Result<Option<Cow<'a, str>>, Malformed> {
    value.map(|value| name(Some(value), key)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sender_receiver_and_request_are_read() {
        let text =
            r#"{"request":"joinroom","roomid":"Studio","streamID":"cam","from":"ann","UUID":"b\u006fb"}"#;
        let frame = Frame::parse(text).unwrap();
        assert_eq!((frame.from.as_deref(), frame.to.as_deref()), (Some("ann"), Some("bob")));
        assert_eq!(frame.request, Request::JoinRoom { room: "Studio".into(), stream: Some("cam".into()) });
    }

    #[test]
    fn a_null_key_counts_as_absent() {
        let text = r#"{"request":"joinroom","roomid":"r","streamID":null,"UUID":null,"from":null}"#;
        let frame = Frame::parse(text).unwrap();
        assert_eq!((frame.from, frame.to), (None, None));
        assert_eq!(frame.request, Request::JoinRoom { room: "r".into(), stream: None });
    }

    #[test]
    fn a_frame_cannot_carry_a_second_sender() {
        assert!(matches!(Frame::parse(r#"{"from":"ann","from":"bob"}"#), Err(Malformed::Json(_))));
    }

    #[test]
    fn only_objects_with_names_of_a_reasonable_length_are_frames() {
        let long = format!(r#"{{"from":"{}"}}"#, "x".repeat(257));
        for text in ["", "[]", "7", r#"{"from":7}"#, r#"{"UUID":""}"#, r#"{"request":"seed"}"#, &long] {
            assert!(Frame::parse(text).is_err(), "{text}");
        }
    }
}
