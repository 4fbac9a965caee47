//! The options of the transport.

use std::path::PathBuf;

/// The options of a [`WebSocketTransport`](crate::WebSocketTransport); the default suits the hosted VDO.Ninja server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSocketOptions {
    /// A PEM file with certificate authorities to trust in addition to the system's.
    pub ca_file: Option<PathBuf>,
    /// The largest incoming frame or message in bytes; a larger one closes the socket.
    pub max_frame_bytes: usize,
    /// How many messages may be queued for the socket, at least 1; the next one closes it.
    pub outgoing_queue: usize,
    /// How many events may be queued for the application, at least 1; while the queue is full, reading pauses.
    pub incoming_queue: usize,
}

impl Default for WebSocketOptions {
    fn default() -> Self {
        Self {
            ca_file: None,
            // The SDP of a data channel has less than 10 KiB, and the listing of a thousand members about 100 KiB.
            max_frame_bytes: 256 * 1024,
            // Enough for the offers and candidates of a hundred peers at once.
            outgoing_queue: 256,
            // At most 16 MiB, with frames of the largest size.
            incoming_queue: 64,
        }
    }
}
