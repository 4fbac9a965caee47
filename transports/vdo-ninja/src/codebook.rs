//! Translates names and contents between our words and the wire's, under one password or none.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use rejoin_core::StreamId;
use rejoin_core::id::RoomId;
use rejoin_core::port::DialectError;

use crate::crypto::{Keys, cannot_decrypt};
use crate::fields::wrong_kind;
use crate::name::{NameError, room_id, stream_id};

/// What two peers must have in common to understand each other.
#[derive(Clone, Debug)]
pub(crate) struct Codebook {
    keys: Option<Keys>,
}

/// A value as it travels: bare, or sealed beside its vector.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Content<T> {
    /// Without a password.
    Bare(T),
    /// With one.
    Sealed(String),
}

impl Codebook {
    /// Makes a codebook of keys, or of none when the password is off.
    pub(crate) fn new(keys: Option<Keys>) -> Self {
        Self { keys }
    }

    /// Returns how `stream` is called on the server.
    pub(crate) fn wire_stream(&self, stream: &StreamId) -> Result<String, DialectError> {
        let bare = self.bare_stream(stream)?;
        Ok(match &self.keys {
            Some(keys) => bare + keys.suffix(),
            None => bare,
        })
    }

    /// Returns how `stream` is called between peers, who know the password.
    pub(crate) fn bare_stream(&self, stream: &StreamId) -> Result<String, DialectError> {
        stream_id(&stream.0).map(|stream| stream.0.as_ref().to_owned()).map_err(refused)
    }

    /// Returns how people call the stream that the wire calls `name`.
    pub(crate) fn our_stream(&self, name: &str) -> StreamId {
        let bare = self.keys.as_ref().and_then(|keys| name.strip_suffix(keys.suffix()));
        StreamId(Arc::from(bare.filter(|bare| !bare.is_empty()).unwrap_or(name)))
    }

    /// Returns how `room` is called on the server.
    pub(crate) fn wire_room(&self, room: &RoomId) -> Result<String, DialectError> {
        let room = room_id(&room.0).map_err(refused)?;
        Ok(match &self.keys {
            Some(keys) => keys.room(&room.0),
            None => room.0.as_ref().to_owned(),
        })
    }

    /// Returns `value` as it travels, and the vector if it travels sealed.
    pub(crate) fn seal<T: Serialize>(&self, value: T) -> Result<(Content<T>, Option<String>), DialectError> {
        let Some(keys) = &self.keys else { return Ok((Content::Bare(value), None)) };
        let sealed = keys.seal(&to_json(&value)?)?;
        Ok((Content::Sealed(sealed.text), Some(sealed.vector)))
    }

    /// Reads the content of the field `name`, bare or sealed; `read` answers `None` to a value of the wrong shape.
    ///
    /// A sealed content of the wrong shape reads as undecryptable, because the cipher does not protect its plaintext.
    pub(crate) fn open<T>(
        &self,
        name: &str,
        received: Received<'_>,
        read: fn(Value) -> Option<T>,
    ) -> Result<T, DialectError> {
        match received.content {
            Value::String(text) => {
                let keys = self.keys.as_ref().ok_or_else(cannot_decrypt)?;
                let plaintext = keys.open(&text, received.vector.unwrap_or_default())?;
                serde_json::from_str(&plaintext).ok().and_then(read).ok_or_else(cannot_decrypt)
            }
            // whoever relays it could have taken the seal off, and the fingerprint in it is what we trust
            _ if self.keys.is_some() && received.carrier == Carrier::Server => Err(unsealed(name)),
            bare => read(bare).ok_or_else(|| wrong_kind(name, "what belongs there")),
        }
    }
}

/// A content that arrived, and the vector of its frame.
pub(crate) struct Received<'frame> {
    /// The value of the field.
    pub(crate) content: Value,
    /// The vector, where the frame has one.
    pub(crate) vector: Option<&'frame str>,
    /// What carried the frame.
    pub(crate) carrier: Carrier,
}

/// What carried a frame, and so whether anybody in between could have changed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// The signaling server, which reads what is not sealed.
    Server,
    /// The data channel, which DTLS protects.
    Channel,
}

fn unsealed(name: &str) -> DialectError {
    DialectError(format!(
        "the {name} came without encryption although a password is set; set the same password on both sides, \
         or false on both"
    ))
}

/// Returns the JSON text of one of our own values.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, DialectError> {
    serde_json::to_string(value).map_err(|error| {
        DialectError(format!("a message cannot be written as JSON ({error}); report what it was about"))
    })
}

fn refused(error: NameError) -> DialectError {
    DialectError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::Password;

    #[test]
    fn streams_gain_and_lose_the_suffix() {
        let codebook = codebook(Password::default());
        assert_eq!(codebook.wire_stream(&stream("my cam")).unwrap(), "my_cam808d64");
        assert_eq!(codebook.bare_stream(&stream("my cam")).unwrap(), "my_cam");
        assert_eq!(codebook.our_stream("my_cam808d64"), stream("my_cam"));
    }

    #[test]
    fn foreign_streams_stay_as_they_are() {
        let codebook = codebook(Password::default());
        assert_eq!(codebook.our_stream("cam1c08e16"), stream("cam1c08e16"));
        assert_eq!(codebook.our_stream("808d64"), stream("808d64"));
    }

    #[test]
    fn names_travel_bare_without_a_password() {
        let codebook = codebook(Password::off());
        assert_eq!(codebook.wire_stream(&stream("cam1")).unwrap(), "cam1");
        assert_eq!(codebook.our_stream("cam1808d64"), stream("cam1808d64"));
        assert_eq!(codebook.wire_room(&RoomId("my room".into())).unwrap(), "my_room");
    }

    #[test]
    fn a_name_of_nothing_is_refused() {
        assert!(codebook(Password::default()).wire_stream(&stream("")).is_err());
    }

    fn codebook(password: Password) -> Codebook {
        Codebook::new(Keys::derive(&password, "vdo.ninja"))
    }

    fn stream(name: &str) -> StreamId {
        StreamId(name.into())
    }
}
