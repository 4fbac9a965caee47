//! The interface between the server's IO and the state machine of one wire dialect.

use std::fmt::Debug;
use std::time::Instant;

use crate::close_reason::CloseReason;
use crate::frame::Malformed;
use crate::metrics::{CountedEvent, Counts};
use crate::route::{ResumeToken, Route, Secret};

/// Selects the wire dialect of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// The server assigns UUIDs, lists rooms and asks publishers for offers, as `wss.vdo.ninja` does.
    #[default]
    Hosted,
    /// Clients choose their own name (`from`), and the server forwards their frames unchanged.
    SelfHost,
}

/// A wire dialect as a state machine without IO: connections and text frames in, [`Effect`]s out.
///
/// The caller applies the effects in the order in which they were returned.
pub trait ServerDialect: Debug + Send {
    /// Admits a connection.
    ///
    /// An invalid resume token is not an error: the connection gets a new route.
    fn open(&mut self, new: NewConnection, now: Instant) -> Result<(Admission, Vec<Effect>), AdmissionError>;

    /// Processes a text frame; `Err` stands for a frame that is not text.
    ///
    /// An unreadable frame is answered, and too many of them in a row close the connection.
    /// A frame of a connection that was closed or replaced has no effect.
    fn receive(&mut self, id: ConnectionId, text: Result<&str, Malformed>, now: Instant) -> Vec<Effect>;

    /// Removes a connection that has ended and frees its stream id; other clients are not notified.
    fn close(&mut self, id: ConnectionId, now: Instant);

    /// Returns how much the state machine holds.
    fn counts(&self) -> Counts;
}

/// Numbers the connections of one server in order of arrival; a number is never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// Describes a connection that asks for admission.
#[derive(Clone, Copy, Debug)]
pub struct NewConnection {
    /// Its number.
    pub connection: ConnectionId,
    /// A random route, used unless the client resumes an earlier one.
    pub route: Route,
    /// A random secret for that route.
    pub secret: Secret,
    /// What the client asked for, if it supports resuming.
    pub resume: Option<ResumeRequest>,
}

/// The request of a client that supports resuming.
#[derive(Clone, Copy, Debug)]
pub enum ResumeRequest {
    /// Assign a route and return its token.
    NewRoute,
    /// Give back the route of an earlier connection.
    Resume(ResumeToken),
}

/// Describes an admitted connection.
#[derive(Clone, Copy, Debug)]
pub struct Admission {
    /// The UUID by which other clients address it.
    pub route: Route,
    /// Its token for a later connection, if the client supports resuming.
    pub token: Option<ResumeToken>,
    /// Whether it took over the route of an earlier connection.
    pub resumed: bool,
}

/// The reason why a connection is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdmissionError {
    /// The server holds as many connections as its limits allow.
    #[error("server is full; try again later")]
    Full,
    /// The random route is in use or can still be resumed.
    #[error("route is taken; connect again")]
    RouteTaken,
}

/// An action for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// Queue a text frame.
    Send {
        /// The receiving connection.
        to: ConnectionId,
        /// The frame.
        text: String,
    },
    /// Close a connection, which the state machine has already removed.
    Close {
        /// The connection to close.
        connection: ConnectionId,
        /// The reason for its close frame.
        reason: CloseReason,
    },
    /// Count an event.
    Count(CountedEvent),
}
