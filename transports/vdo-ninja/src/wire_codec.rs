//! Converts names and contents to and from their form on the wire, with or without a password.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use rejoin_core::StreamId;
use rejoin_core::id::RoomId;
use rejoin_core::port::DialectError;

use crate::crypto::{Keys, cannot_decrypt};
use crate::fields::wrong_kind;
use crate::name::{NameError, room_id, stream_id};

/// The codec of one password; two peers need the same one.
#[derive(Clone, Debug)]
pub(crate) struct WireCodec {
    keys: Option<Keys>,
}

/// A value on the wire: plain, or encrypted with its vector in another field.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Content<T> {
    /// Without a password.
    Plain(T),
    /// With one.
    Sealed(String),
}

impl WireCodec {
    /// Returns the codec for `keys`; `None` means that the password is off.
    pub(crate) fn new(keys: Option<Keys>) -> Self {
        Self { keys }
    }

    /// Returns the name of `stream` on the server.
    pub(crate) fn wire_stream(&self, stream: &StreamId) -> Result<String, DialectError> {
        let plain = self.plain_stream(stream)?;
        Ok(match &self.keys {
            Some(keys) => plain + keys.suffix(),
            None => plain,
        })
    }

    /// Returns the name of `stream` between peers, which know the password.
    pub(crate) fn plain_stream(&self, stream: &StreamId) -> Result<String, DialectError> {
        stream_id(&stream.0).map(|stream| stream.0.as_ref().to_owned()).map_err(invalid_name)
    }

    /// Returns the stream for its name on the wire.
    pub(crate) fn local_stream(&self, name: &str) -> StreamId {
        let plain = self.keys.as_ref().and_then(|keys| name.strip_suffix(keys.suffix()));
        StreamId(Arc::from(plain.filter(|plain| !plain.is_empty()).unwrap_or(name)))
    }

    /// Returns the name of `room` on the server.
    pub(crate) fn wire_room(&self, room: &RoomId) -> Result<String, DialectError> {
        let room = room_id(&room.0).map_err(invalid_name)?;
        Ok(match &self.keys {
            Some(keys) => keys.room(&room.0),
            None => room.0.as_ref().to_owned(),
        })
    }

    /// Returns `value` for the wire, and the vector if it is encrypted.
    pub(crate) fn seal<T: Serialize>(&self, value: T) -> Result<(Content<T>, Option<String>), DialectError> {
        let Some(keys) = &self.keys else { return Ok((Content::Plain(value), None)) };
        let sealed = keys.seal(&to_json(&value)?)?;
        Ok((Content::Sealed(sealed.text), Some(sealed.vector)))
    }

    /// Reads the content of the field `name`, plain or encrypted; `read` returns `None` for a value of the wrong shape.
    ///
    /// Encrypted content of the wrong shape is reported as undecryptable, because the cipher does not authenticate it.
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
            // The server could have replaced the encrypted content, and we trust the fingerprint in it.
            _ if self.keys.is_some() && received.path == SignalingPath::Server => Err(not_encrypted(name)),
            plain => read(plain).ok_or_else(|| wrong_kind(name, "a valid value")),
        }
    }
}

/// A received content with the vector of its frame.
pub(crate) struct Received<'frame> {
    /// The value of the field.
    pub(crate) content: Value,
    /// The vector, if the frame has one.
    pub(crate) vector: Option<&'frame str>,
    /// The path of the frame.
    pub(crate) path: SignalingPath,
}

/// The path of a frame, which determines whether a third party could have changed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignalingPath {
    /// The signaling server, which can read and replace plain content.
    Server,
    /// The data channel, which DTLS protects.
    Channel,
}

fn not_encrypted(name: &str) -> DialectError {
    DialectError(format!(
        "the {name} is not encrypted although a password is set; set the same password on both sides, \
         or false on both"
    ))
}

/// Returns the JSON text of one of our own values.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String, DialectError> {
    serde_json::to_string(value).map_err(|error| {
        DialectError(format!("a message cannot be written as JSON ({error}); report this as a bug"))
    })
}

fn invalid_name(error: NameError) -> DialectError {
    DialectError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::Password;

    #[test]
    fn streams_gain_and_lose_the_suffix() {
        let codec = codec(Password::default());
        assert_eq!(codec.wire_stream(&stream("my cam")).unwrap(), "my_cam808d64");
        assert_eq!(codec.plain_stream(&stream("my cam")).unwrap(), "my_cam");
        assert_eq!(codec.local_stream("my_cam808d64"), stream("my_cam"));
    }

    #[test]
    fn streams_of_other_passwords_are_unchanged() {
        let codec = codec(Password::default());
        assert_eq!(codec.local_stream("cam1c08e16"), stream("cam1c08e16"));
        assert_eq!(codec.local_stream("808d64"), stream("808d64"));
    }

    #[test]
    fn names_are_plain_without_a_password() {
        let codec = codec(Password::off());
        assert_eq!(codec.wire_stream(&stream("cam1")).unwrap(), "cam1");
        assert_eq!(codec.local_stream("cam1808d64"), stream("cam1808d64"));
        assert_eq!(codec.wire_room(&RoomId("my room".into())).unwrap(), "my_room");
    }

    #[test]
    fn an_empty_name_is_rejected() {
        assert!(codec(Password::default()).wire_stream(&stream("")).is_err());
    }

    fn codec(password: Password) -> WireCodec {
        WireCodec::new(Keys::derive(&password, "vdo.ninja"))
    }

    fn stream(name: &str) -> StreamId {
        StreamId(name.into())
    }
}
