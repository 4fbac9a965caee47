//! What an application may choose about its sockets.

use std::path::PathBuf;

/// Chooses trust and sizes; the default suits the hosted VDO.Ninja server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSocketOptions {
    /// A PEM file with certificate authorities to trust besides the system's, for a server with a private one.
    pub ca_file: Option<PathBuf>,
    /// The largest incoming frame or message; a larger one closes the socket.
    pub max_frame_bytes: usize,
    /// How many messages may wait for the socket; one more, and the server counts as dead. At least 1.
    pub outgoing_queue: usize,
    /// How many events may wait for the application; then reading pauses. At least 1.
    pub incoming_queue: usize,
}

impl Default for WebSocketOptions {
    fn default() -> Self {
        Self {
            ca_file: None,
            // An SDP of a data channel is below 10 KiB, the listing of a room with a thousand members near 100 KiB.
            max_frame_bytes: 256 * 1024,
            // The offers and candidates of a hundred peers at once.
            outgoing_queue: 256,
            // With frames of the largest size, 16 MiB.
            incoming_queue: 64,
        }
    }
}
