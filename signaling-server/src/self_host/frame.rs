//! Reads who sent a frame, to whom, and what it asks for; the frame itself goes on as it came.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::frame::{Malformed, name, require_object, string};

/// A readable frame.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) from: Option<Cow<'a, str>>,
    /// The one client that it is for.
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
    /// One that means nothing to the server.
    Other,
    None,
}

/// The keys that the server looks at; all others pass unseen.
#[derive(Deserialize)]
struct Envelope<'a> {
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
    pub(super) fn read(text: &'a str) -> Result<Self, Malformed> {
        require_object(text)?;
        let envelope: Envelope<'a> = serde_json::from_str(text)?;
        Ok(Self {
            from: optional(envelope.from, "from")?,
            to: optional(envelope.uuid, "UUID")?,
            request: Request::read(&envelope)?,
        })
    }

    /// Whether everybody in the room is to hear it.
    pub(super) fn is_for_everybody(&self) -> bool {
        self.to.is_none() && !matches!(self.request, Request::Play { .. })
    }
}

impl<'a> Request<'a> {
    fn read(envelope: &Envelope<'a>) -> Result<Self, Malformed> {
        let Some(request) = envelope.request else { return Ok(Self::None) };
        let request = string(Some(request)).ok_or(Malformed::Field { key: "request" })?;
        Ok(match &*request {
            "seed" => Self::Seed { stream: name(envelope.stream, "streamID")? },
            "play" => Self::Play { stream: name(envelope.stream, "streamID")? },
            "joinroom" => Self::JoinRoom {
                room: name(envelope.roomid, "roomid")?,
                stream: optional(envelope.stream, "streamID")?,
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
        let frame = Frame::read(text).unwrap();
        assert_eq!((frame.from.as_deref(), frame.to.as_deref()), (Some("ann"), Some("bob")));
        assert_eq!(frame.request, Request::JoinRoom { room: "Studio".into(), stream: Some("cam".into()) });
    }

    #[test]
    fn null_stands_for_nothing() {
        let text = r#"{"request":"joinroom","roomid":"r","streamID":null,"UUID":null,"from":null}"#;
        let frame = Frame::read(text).unwrap();
        assert_eq!((frame.from, frame.to), (None, None));
        assert_eq!(frame.request, Request::JoinRoom { room: "r".into(), stream: None });
    }

    #[test]
    fn a_frame_cannot_carry_a_second_sender() {
        assert!(matches!(Frame::read(r#"{"from":"ann","from":"bob"}"#), Err(Malformed::Json(_))));
    }

    #[test]
    fn only_objects_with_names_of_a_reasonable_length_are_frames() {
        let long = format!(r#"{{"from":"{}"}}"#, "x".repeat(257));
        for text in ["", "[]", "7", r#"{"from":7}"#, r#"{"UUID":""}"#, r#"{"request":"seed"}"#, &long] {
            assert!(Frame::read(text).is_err(), "{text}");
        }
    }
}
