//! The server's metrics.
//!
//! No label contains a room, a stream id or an address.

use metrics::{counter, describe_counter, describe_gauge, gauge};

use crate::close_reason::CloseReason;

const SOCKETS: &str = "rejoin_server_sockets";
const STREAMS: &str = "rejoin_server_streams";
const ROOMS: &str = "rejoin_server_rooms";
const WAITERS: &str = "rejoin_server_waiters";
const TOMBSTONES: &str = "rejoin_server_tombstones";
const FRAMES: &str = "rejoin_server_frames_total";
const OPENED: &str = "rejoin_server_opened_total";
const STREAM_CONFLICTS: &str = "rejoin_server_stream_conflicts_total";
const NAME_CONFLICTS: &str = "rejoin_server_name_conflicts_total";
const REFUSED: &str = "rejoin_server_refused_total";
const CLOSED: &str = "rejoin_server_closed_total";

/// An event that a dialect wants counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CountedEvent {
    /// A frame was forwarded.
    Forwarded,
    /// A frame was addressed to a socket that does not exist.
    UnknownDestination,
    /// A frame had neither `request` nor `UUID`.
    NoDestination,
    /// A known request was received.
    Request,
    /// An unknown request was received.
    UnknownRequest,
    /// A frame could not be read.
    Malformed,
    /// A frame did not name its sender.
    MissingSender,
    /// A frame named another sender than its socket's.
    WrongSender,
    /// A socket claimed a name that another one holds.
    NameConflict,
    /// A socket claimed a stream id that another one holds.
    StreamConflict,
    /// A socket with a new route was opened.
    OpenedFresh,
    /// A socket took over the route of an open one.
    ResumedLiving,
    /// A socket took over the route of a closed one.
    ResumedClosed,
    /// A socket with a new route was opened because its resume token was unknown or wrong.
    ResumeDenied,
}

/// The sizes of a state machine's tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Open sockets.
    pub sockets: usize,
    /// Claimed stream ids.
    pub streams: usize,
    /// Rooms with at least one member.
    pub rooms: usize,
    /// Plays that wait for a publisher.
    pub pending_plays: usize,
    /// Closed sockets that can be resumed.
    pub tombstones: usize,
}

/// Describes the metrics to the installed recorder.
///
/// Metrics without labels are reported as zero from then on, so that a reader can tell zero from absent.
pub fn describe() {
    describe_gauge!(SOCKETS, "Open sockets.");
    describe_gauge!(STREAMS, "Claimed stream ids.");
    describe_gauge!(ROOMS, "Rooms with at least one member.");
    describe_gauge!(WAITERS, "Plays that wait for a publisher.");
    describe_gauge!(TOMBSTONES, "Closed sockets that can still be resumed.");
    describe_counter!(FRAMES, "Frames from clients by outcome.");
    describe_counter!(OPENED, "Opened sockets by outcome of resuming.");
    describe_counter!(STREAM_CONFLICTS, "Claims of stream ids that another client holds.");
    describe_counter!(NAME_CONFLICTS, "Claims of client names that another client holds.");
    describe_counter!(REFUSED, "Rejected HTTP requests by status.");
    describe_counter!(CLOSED, "Closed sockets by reason.");
    [STREAM_CONFLICTS, NAME_CONFLICTS].into_iter().for_each(|name| counter!(name).increment(0));
    let gauges = [SOCKETS, STREAMS, ROOMS, WAITERS, TOMBSTONES];
    gauges.into_iter().for_each(|name| gauge!(name).increment(0.0));
}

pub(crate) fn count(event: CountedEvent) {
    match event {
        CountedEvent::Forwarded => counter!(FRAMES, "outcome" => "relayed"),
        CountedEvent::UnknownDestination => counter!(FRAMES, "outcome" => "unknown_destination"),
        CountedEvent::NoDestination => counter!(FRAMES, "outcome" => "no_destination"),
        CountedEvent::Request => counter!(FRAMES, "outcome" => "request"),
        CountedEvent::UnknownRequest => counter!(FRAMES, "outcome" => "unknown_request"),
        CountedEvent::Malformed => counter!(FRAMES, "outcome" => "malformed"),
        CountedEvent::MissingSender => counter!(FRAMES, "outcome" => "unsigned"),
        CountedEvent::WrongSender => counter!(FRAMES, "outcome" => "forged"),
        CountedEvent::NameConflict => counter!(NAME_CONFLICTS),
        CountedEvent::StreamConflict => counter!(STREAM_CONFLICTS),
        CountedEvent::OpenedFresh => counter!(OPENED, "outcome" => "fresh"),
        CountedEvent::ResumedLiving => counter!(OPENED, "outcome" => "resumed_living"),
        CountedEvent::ResumedClosed => counter!(OPENED, "outcome" => "resumed_closed"),
        CountedEvent::ResumeDenied => counter!(OPENED, "outcome" => "resume_denied"),
    }
    .increment(1);
}

pub(crate) fn count_close(close_reason: Option<&CloseReason>) {
    counter!(CLOSED, "reason" => close_reason.map_or("left", CloseReason::label)).increment(1);
}

pub(crate) fn count_rejection(status: u16) {
    counter!(REFUSED, "status" => status.to_string()).increment(1);
}

pub(crate) fn set_gauges(counts: Counts) {
    // Counts stay far below 2^52, where f64 begins to round.
    gauge!(SOCKETS).set(counts.sockets as f64);
    gauge!(STREAMS).set(counts.streams as f64);
    gauge!(ROOMS).set(counts.rooms as f64);
    gauge!(WAITERS).set(counts.pending_plays as f64);
    gauge!(TOMBSTONES).set(counts.tombstones as f64);
}
