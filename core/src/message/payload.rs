//! What an application sends.

use std::sync::Arc;

/// An application message: the text of one JSON value (the `pipe` of VDO.Ninja's `sendData`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload(pub Arc<str>);

impl Payload {
    /// Returns its size in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether it is empty, which no JSON value is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
