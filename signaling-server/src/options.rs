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
            // Three pings fit into the silence timeout, so one lost pong does not close a socket.
            ping_interval: Duration::from_secs(3),
            // Clients give up after ten seconds of "Stream ID is already in use.".
            silence_timeout: Duration::from_secs(10),
            // Enough for a TCP and HTTP round trip over a bad mobile path with one retransmission.
            upgrade_timeout: Duration::from_secs(5),
            // Service managers usually kill a process after five to ten seconds.
            shutdown_timeout: Duration::from_secs(3),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Fifty full rooms of the hosted service's size (80); a laptop holds that many idle sockets.
            sockets: 4096,
            // Many times the largest offer or candidate bundle: less than 64 KiB encrypted and in hexadecimal.
            frame_bytes: 256 * 1024,
            // The director of a full room answers some 80 guests in a second, each with an offer and candidates.
            frames_per_second: 200,
            // Two seconds' worth at once, as after a reconnect.
            burst_frames: 400,
            // More than a full room sends to one member in its first seconds.
            queue_frames: 512,
            // With a limit on frames alone, a few stalled readers of large frames could hold gigabytes.
            queue_bytes: 4 * 1024 * 1024,
            // Three full rooms of streams; a viewer shows far fewer.
            pending_plays: 256,
            // Enough to answer a client with a typo, and few enough to close one with another protocol.
            malformed_in_a_row: 16,
            // After a lost uplink all clients may return at once.
            tombstones: 4096,
            // A router restart or a tunnel takes less than a minute; later, peers have given up.
            resume_expiry: Duration::from_secs(60),
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
        let options = Options { silence_timeout: Options::default().ping_interval, ..Options::default() };
        assert!(options.validate().unwrap_err().to_string().contains("silence_timeout"));
    }

    #[test]
    fn an_empty_queue_is_refused() {
        let limits = Limits { queue_frames: 0, ..Limits::default() };
        let options = Options { limits, ..Options::default() };
        assert!(options.validate().unwrap_err().to_string().contains("queue_frames"));
    }
}
