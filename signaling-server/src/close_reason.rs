//! The reasons for which the server closes a socket, with the close code and text that clients receive.

use std::time::Duration;

use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// The reason for which the server closes a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The server shuts down.
    Shutdown,
    /// Another connection took over the route.
    ResumedElsewhere,
    /// The client sent nothing, not even a pong, for this long.
    Silent(Duration),
    /// The client sent this many unreadable frames in a row.
    Malformed(u32),
    /// The client sent a text frame that is not UTF-8.
    NotUtf8,
    /// The client violated the WebSocket protocol.
    Protocol,
    /// The client sent more than this many frames per second.
    Flood(u32),
    /// The client waits for this many streams already.
    TooManyPlays(usize),
    /// The client sent a frame that is larger than this many bytes.
    FrameTooBig(usize),
    /// The client reads too slowly, and its outgoing queue is full.
    SlowReader,
}

impl CloseReason {
    /// Returns the close code (RFC 6455 section 7.4; 4000 is private to rejoin).
    pub fn code(&self) -> u16 {
        self.code_and_label().0
    }

    /// Returns the text of the close frame, which is at most 123 bytes long (RFC 6455 section 5.5).
    pub fn text(&self) -> String {
        match self {
            Self::Shutdown => "server is shutting down; reconnect".to_owned(),
            Self::ResumedElsewhere => "resumed elsewhere".to_owned(),
            Self::Silent(limit) => format!("nothing received for {:.1} s; answer pings", limit.as_secs_f64()),
            Self::Malformed(count) => {
                format!("{count} unreadable frames in a row; send one JSON object per text frame")
            }
            Self::NotUtf8 => "text frame is not UTF-8; encode it as UTF-8".to_owned(),
            Self::Protocol => "websocket protocol violated; see RFC 6455".to_owned(),
            Self::Flood(limit) => format!("more than {limit} frames per second; slow down"),
            Self::TooManyPlays(limit) => {
                format!("more than {limit} plays of absent streams; play fewer at once")
            }
            Self::FrameTooBig(limit) => format!("frame is larger than {limit} bytes; send smaller frames"),
            Self::SlowReader => "outgoing queue is full; read faster and reconnect".to_owned(),
        }
    }

    /// Returns the value of the `reason` label of the metric.
    pub(crate) fn label(&self) -> &'static str {
        self.code_and_label().1
    }

    fn code_and_label(&self) -> (u16, &'static str) {
        match self {
            Self::Shutdown => (1001, "shutdown"),
            Self::ResumedElsewhere => (4000, "resumed_elsewhere"),
            Self::Silent(_) => (1008, "silent"),
            Self::Malformed(_) => (1007, "malformed"),
            Self::NotUtf8 => (1007, "not_utf8"),
            Self::Protocol => (1002, "protocol"),
            Self::Flood(_) => (1008, "flood"),
            Self::TooManyPlays(_) => (1008, "too_many_plays"),
            Self::FrameTooBig(_) => (1009, "frame_too_big"),
            Self::SlowReader => (1013, "slow_reader"),
        }
    }

    pub(crate) fn close_frame(&self) -> CloseFrame {
        CloseFrame { code: CloseCode::from(self.code()), reason: self.text().into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_fits_into_a_close_frame() {
        let reasons = [
            CloseReason::Shutdown,
            CloseReason::ResumedElsewhere,
            CloseReason::Silent(Duration::MAX),
            CloseReason::Malformed(u32::MAX),
            CloseReason::NotUtf8,
            CloseReason::Protocol,
            CloseReason::Flood(u32::MAX),
            CloseReason::TooManyPlays(usize::MAX),
            CloseReason::FrameTooBig(usize::MAX),
            CloseReason::SlowReader,
        ];
        for reason in reasons {
            assert!(reason.text().len() <= 123, "{reason:?}");
        }
    }
}
