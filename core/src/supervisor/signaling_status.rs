//! What peer links need to know about the signaling link.

use crate::id::{Generation, SignalingAddress};

/// The state of the signaling link, as peer links see it.
#[derive(Debug, Default)]
pub(crate) struct SignalingStatus {
    /// The socket that takes messages.
    pub(crate) socket: Option<Generation>,
    /// Whether the intent has been replayed on it, so that peers can be asked for.
    pub(crate) ready: bool,
    /// The socket since which the server finds us at our present address.
    pub(crate) address_since: Option<Generation>,
    /// Our address, if the server said so.
    pub(crate) own_address: Option<SignalingAddress>,
    /// Whether a peer link suspects the signaling link.
    pub(crate) is_suspect: bool,
    /// Whether a ping on the socket has not been answered yet.
    pub(crate) probe_outstanding: bool,
}

impl SignalingStatus {
    /// Returns whether a message to the server may get lost.
    pub(crate) fn is_in_doubt(&self) -> bool {
        !self.ready || self.is_suspect || self.probe_outstanding
    }

    /// Notes that the socket is gone.
    pub(crate) fn close(&mut self) {
        self.socket = None;
        self.ready = false;
    }
}
