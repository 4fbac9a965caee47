//! Reads JSON frames and the names in them; the dialects decide what the keys mean.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// Longest stream id, room id and client name; clients hash and shorten theirs to some 70 bytes.
const NAME_BYTES: usize = 256;

/// The reason why a frame cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// The frame is not valid JSON, or repeats a key that the server reads.
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

/// Reads the keys of a frame that `K` names.
pub(crate) fn keys<'a, K: Deserialize<'a>>(text: &'a str) -> Result<K, Malformed> {
    // serde would also fill a struct from an array.
    if !text.trim_start().starts_with('{') {
        return Err(Malformed::NotAnObject);
    }
    Ok(serde_json::from_str(text)?)
}

/// Reads a string of 1 to 256 bytes.
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
