//! Why the server closes a socket: the close codes and reasons that clients see.

use std::time::Duration;

use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// Says why the server ends a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The server stops.
    Shutdown,
    /// Another socket took over the route.
    ResumedElsewhere,
    /// The socket was silent, pongs included, for this long.
    Silent(Duration),
    /// This many unreadable frames came in a row.
    Malformed(u32),
    /// A text frame was not UTF-8.
    NotUtf8,
    /// The WebSocket protocol was violated.
    Protocol,
    /// More than this many frames came per second.
    Flood(u32),
    /// The socket waits for this many streams already.
    TooManyPlays(usize),
    /// A frame was larger than this many bytes.
    FrameTooBig(usize),
    /// The socket does not read what others send to it.
    SlowReader,
}

impl CloseReason {
    /// Returns the close code (RFC 6455 section 7.4; 4000 is private to rejoin).
    pub fn code(&self) -> u16 {
        match self {
            Self::Shutdown => 1001,
            Self::ResumedElsewhere => 4000,
            Self::Silent(_) | Self::Flood(_) | Self::TooManyPlays(_) => 1008,
            Self::Malformed(_) | Self::NotUtf8 => 1007,
            Self::Protocol => 1002,
            Self::FrameTooBig(_) => 1009,
            Self::SlowReader => 1013,
        }
    }

    /// Returns the text for whoever reads the close frame; it fits into the 123 bytes that one can carry.
    pub fn reason(&self) -> String {
        match self {
            Self::Shutdown => "server is shutting down; reconnect".to_owned(),
            Self::ResumedElsewhere => "resumed elsewhere".to_owned(),
            Self::Silent(silence) => {
                format!("nothing heard for {:.1} s; answer pings", silence.as_secs_f64())
            }
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

    /// Returns the name under which closes are counted.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Shutdown => "shutdown",
            Self::ResumedElsewhere => "resumed_elsewhere",
            Self::Silent(_) => "silent",
            Self::Malformed(_) => "malformed",
            Self::NotUtf8 => "not_utf8",
            Self::Protocol => "protocol",
            Self::Flood(_) => "flood",
            Self::TooManyPlays(_) => "too_many_plays",
            Self::FrameTooBig(_) => "frame_too_big",
            Self::SlowReader => "slow_reader",
        }
    }

    pub(crate) fn close_frame(&self) -> CloseFrame {
        CloseFrame { code: CloseCode::from(self.code()), reason: self.reason().into() }
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
        for close_reason in reasons {
            assert!(close_reason.reason().len() <= 123, "{close_reason:?}");
        }
    }
}
