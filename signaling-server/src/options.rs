//! The options of a server, and the limits that protect clients from one another.

use std::time::Duration;

use crate::dialect::Dialect;
use crate::error::ServerError;

/// The options of a [`Server`](crate::Server).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The wire dialect.
    pub dialect: Dialect,
    /// The limits of what one client may use.
    pub limits: Limits,
    /// The interval between pings.
    pub ping_interval: Duration,
    /// How long a client may send nothing, not even a pong, before its socket is closed and its stream id is free.
    pub silence_timeout: Duration,
    /// How long a client may take to complete the HTTP upgrade, with the TLS handshake before it.
    pub upgrade_timeout: Duration,
    /// How long a shutdown may take before sockets are dropped without a close handshake.
    pub shutdown_timeout: Duration,
}

/// The limits of everything that grows with what clients send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open sockets.
    pub sockets: usize,
    /// Bytes of one frame.
    pub frame_bytes: usize,
    /// Average frames per second of one socket.
    pub frames_per_second: u32,
    /// Frames that one socket may send at once after a pause.
    pub burst_frames: u32,
    /// Queued frames for one socket.
    pub queue_frames: usize,
    /// Queued bytes for one socket.
    pub queue_bytes: usize,
    /// Streams that one socket may wait for.
    pub pending_plays: usize,
    /// Unreadable frames in a row before a socket is closed.
    pub malformed_in_a_row: u32,
    /// Closed sockets that can be resumed.
    pub tombstones: usize,
    /// How long a closed socket may be resumed.
    pub resume_expiry: Duration,
}

impl Options {
    /// Three pings fit into [`SILENCE_TIMEOUT`](Self::SILENCE_TIMEOUT), so one lost pong does not close a socket.
    pub const PING_INTERVAL: Duration = Duration::from_secs(3);
    /// Clients give up after ten seconds of "Stream ID is already in use.", so a dead socket must be closed by then.
    pub const SILENCE_TIMEOUT: Duration = Duration::from_secs(10);
    /// Enough for a TCP and HTTP round trip over a bad mobile path with one retransmission.
    pub const UPGRADE_TIMEOUT: Duration = Duration::from_secs(5);
    /// Service managers usually kill a process after five to ten seconds.
    pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);

    /// Rejects values with which the server could not work.
    pub(crate) fn validate(&self) -> Result<(), ServerError> {
        let limits = &self.limits;
        let at_least_one = [
            ("limits.sockets", limits.sockets),
            ("limits.frame_bytes", limits.frame_bytes),
            ("limits.frames_per_second", limits.frames_per_second as usize),
            ("limits.burst_frames", limits.burst_frames as usize),
            ("limits.queue_frames", limits.queue_frames),
            ("limits.malformed_in_a_row", limits.malformed_in_a_row as usize),
        ];
        if let Some((name, _)) = at_least_one.into_iter().find(|(_, value)| *value == 0) {
            return Err(ServerError::Option { name, remedy: "use 1 or more" });
        }
        if limits.queue_bytes < limits.frame_bytes {
            let remedy = "use at least limits.frame_bytes, or no large frame could ever be delivered";
            return Err(ServerError::Option { name: "limits.queue_bytes", remedy });
        }
        if self.ping_interval.is_zero() {
            return Err(ServerError::Option { name: "ping_interval", remedy: "use more than zero" });
        }
        if self.silence_timeout <= self.ping_interval {
            let remedy = "use more than ping_interval, or healthy sockets would be closed";
            return Err(ServerError::Option { name: "silence_timeout", remedy });
        }
        Ok(())
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dialect: Dialect::default(),
            limits: Limits::default(),
            ping_interval: Self::PING_INTERVAL,
            silence_timeout: Self::SILENCE_TIMEOUT,
            upgrade_timeout: Self::UPGRADE_TIMEOUT,
            shutdown_timeout: Self::SHUTDOWN_TIMEOUT,
        }
    }
}

impl Limits {
    /// Fifty full rooms of the hosted service's size (80); a laptop holds that many idle sockets.
    pub const SOCKETS: usize = 4096;
    /// Many times the largest offer or candidate bundle, which stays below 64 KiB encrypted and in hexadecimal.
    pub const FRAME_BYTES: usize = 256 * 1024;
    /// A director of a full room answers some 80 guests in a second, each with an offer and candidates.
    pub const FRAMES_PER_SECOND: u32 = 200;
    /// Two seconds' worth at once, as after a reconnect.
    pub const BURST_FRAMES: u32 = 400;
    /// More than a full room sends to one member in its first seconds.
    pub const QUEUE_FRAMES: usize = 512;
    /// With a limit on frames alone, a few stalled readers of large frames could hold gigabytes.
    pub const QUEUE_BYTES: usize = 4 * 1024 * 1024;
    /// Three full rooms of streams; a viewer shows far fewer.
    pub const PENDING_PLAYS: usize = 256;
    /// Enough for a client with a typo to be told, and few enough to close one with another protocol.
    pub const MALFORMED_IN_A_ROW: u32 = 16;
    /// After a lost uplink all clients may return at once.
    pub const TOMBSTONES: usize = Self::SOCKETS;
    /// A router restart or a tunnel takes less than a minute; later, peers have given up.
    pub const RESUME_EXPIRY: Duration = Duration::from_secs(60);
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sockets: Self::SOCKETS,
            frame_bytes: Self::FRAME_BYTES,
            frames_per_second: Self::FRAMES_PER_SECOND,
            burst_frames: Self::BURST_FRAMES,
            queue_frames: Self::QUEUE_FRAMES,
            queue_bytes: Self::QUEUE_BYTES,
            pending_plays: Self::PENDING_PLAYS,
            malformed_in_a_row: Self::MALFORMED_IN_A_ROW,
            tombstones: Self::TOMBSTONES,
            resume_expiry: Self::RESUME_EXPIRY,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_work() {
        assert!(Options::default().validate().is_ok());
    }

    #[test]
    fn a_silence_shorter_than_the_ping_interval_is_refused() {
        let options = Options { silence_timeout: Options::PING_INTERVAL, ..Options::default() };
        assert!(options.validate().unwrap_err().to_string().contains("silence_timeout"));
    }

    #[test]
    fn an_empty_queue_is_refused() {
        let limits = Limits { queue_frames: 0, ..Limits::default() };
        let options = Options { limits, ..Options::default() };
        assert!(options.validate().unwrap_err().to_string().contains("queue_frames"));
    }
}
