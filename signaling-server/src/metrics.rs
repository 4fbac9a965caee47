//! The names under which the server counts what it does.
//!
//! Gauges show what lives, counters what happened; neither carries a room, a stream id or an address.

use metrics::{counter, describe_counter, describe_gauge, gauge};

use crate::close_reason::CloseReason;
use crate::hosted::Counts;

/// Counts living sockets (gauge).
pub const SOCKETS: &str = "rejoin_server_sockets";
/// Counts claimed stream ids (gauge).
pub const STREAMS: &str = "rejoin_server_streams";
/// Counts rooms with a member (gauge).
pub const ROOMS: &str = "rejoin_server_rooms";
/// Counts plays that wait for their stream (gauge).
pub const WAITERS: &str = "rejoin_server_waiters";
/// Counts closed sockets that can still be resumed (gauge).
pub const TOMBSTONES: &str = "rejoin_server_tombstones";
/// Counts frames from clients by `outcome` (counter).
pub const FRAMES: &str = "rejoin_server_frames_total";
/// Counts sockets that were opened, by `outcome` of resuming (counter).
pub const OPENED: &str = "rejoin_server_opened_total";
/// Counts claims of stream ids that somebody else holds (counter).
pub const STREAM_CONFLICTS: &str = "rejoin_server_stream_conflicts_total";
/// Counts names that sockets gave themselves although somebody else holds them (counter).
pub const NAME_CONFLICTS: &str = "rejoin_server_name_conflicts_total";
/// Counts HTTP requests that got no WebSocket, by `status` (counter).
pub const REFUSED: &str = "rejoin_server_refused_total";
/// Counts ended sockets by `reason`; `left` means that the client or its network ended it (counter).
pub const CLOSED: &str = "rejoin_server_closed_total";

/// Names something that the switchboard wants counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CountedEvent {
    /// A frame was passed on.
    Forwarded,
    /// A frame named a socket that does not exist.
    UnknownDestination,
    /// A frame had neither `request` nor `UUID`.
    NoDestination,
    /// A request was understood.
    Request,
    /// A request was not understood.
    UnknownRequest,
    /// A frame could not be read.
    Malformed,
    /// A frame did not say who it is from.
    Unsigned,
    /// A frame was signed with another name than its socket's.
    Forged,
    /// A socket gave itself a name that somebody else holds.
    NameConflict,
    /// A stream id was claimed that somebody else holds.
    StreamConflict,
    /// A socket with a new route was opened.
    OpenedFresh,
    /// A socket took over the route of a living one.
    ResumedLiving,
    /// A socket took over the route of a closed one.
    ResumedClosed,
    /// A socket with a new route was opened because its pass was unknown or wrong.
    ResumeDenied,
}

/// Tells the installed recorder what the names mean.
///
/// What has no labels is told as zero from then on, so that nobody has to guess whether it exists.
pub fn describe() {
    describe_gauge!(SOCKETS, "Living sockets.");
    describe_gauge!(STREAMS, "Claimed stream ids.");
    describe_gauge!(ROOMS, "Rooms with a member.");
    describe_gauge!(WAITERS, "Plays that wait for their stream.");
    describe_gauge!(TOMBSTONES, "Closed sockets that can still be resumed.");
    describe_counter!(FRAMES, "Frames from clients by outcome.");
    describe_counter!(OPENED, "Opened sockets by outcome of resuming.");
    describe_counter!(STREAM_CONFLICTS, "Claims of stream ids that somebody else holds.");
    describe_counter!(NAME_CONFLICTS, "Names that somebody else holds.");
    describe_counter!(REFUSED, "HTTP requests that got no WebSocket, by status.");
    describe_counter!(CLOSED, "Ended sockets by reason.");
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
        CountedEvent::Unsigned => counter!(FRAMES, "outcome" => "unsigned"),
        CountedEvent::Forged => counter!(FRAMES, "outcome" => "forged"),
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

pub(crate) fn count_refusal(status: u16) {
    counter!(REFUSED, "status" => status.to_string()).increment(1);
}

pub(crate) fn show(counts: Counts) {
    // Counts stay far below 2^52, where f64 begins to round.
    gauge!(SOCKETS).set(counts.sockets as f64);
    gauge!(STREAMS).set(counts.streams as f64);
    gauge!(ROOMS).set(counts.rooms as f64);
    gauge!(WAITERS).set(counts.pending_plays as f64);
    gauge!(TOMBSTONES).set(counts.tombstones as f64);
}
