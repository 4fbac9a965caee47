//! A VDO.Ninja-compatible signaling server that speaks the hosted or the self-host [`Dialect`].
//!
//! The [`HostedDialect`] decides: a pure state machine of sockets, streams, rooms and pending_plays; text in, [`Effect`]s out.
//! In the self-host dialect a [`SelfHostDialect`] stands in its place.
//! The [`Server`] is its thin tokio shell: an accept loop and one task per socket, over TCP or [`Tls`].
//!
//! # What the wire says in the hosted dialect
//! Every socket gets a random UUID that it never learns.
//! A frame with `UUID` and without `request` goes to that socket, its `UUID` rewritten to the sender's, all else untouched.
//! A frame with `request` is for the server: `seed`, `play`, `joinroom`, `migrate` or `ping`.
//! When a socket closes nobody is told, and its stream id is free at that moment.
//! A publisher inside a room gets no `offerSDP` for plays that came before it:
//! the room hears `videoaddedtoroom`, and whoever still wants the stream plays again.
//!
//! # What it says in the self-host dialect
//! Clients name themselves: every frame carries `from`, and the first one binds it to its socket.
//! Frames are passed on as they came to everybody in the sender's room, or outside all rooms with it:
//! those with `UUID` to that client only, and a `play` to the publisher of its stream only.
//! The server's own words are `uuid already in use`, `sid already in use` and `can't change sid`, under `error`.
//! Unlike the servers that it stands for, it lets no frame through that is signed with another name than its socket's,
//! and it closes dead sockets, so that a name is free again when its owner comes back.
//!
//! # Resuming a UUID in the hosted dialect
//! A client that sends `Rejoin-Version: 1` with its upgrade is told its UUID (`Rejoin-Route`) and a secret (`Rejoin-Secret`).
//! With `Rejoin-Resume: <uuid> <secret>` a later socket takes that UUID over, and the answer carries `Rejoin-Resumed: 1`.
//! A living socket hands over its room, stream and pending plays and closes with 4000;
//! of a dead one only room and stream are remembered, and the stream comes back only if nobody took it meanwhile.
//! Resuming sends no listing: a `joinroom` on the new socket answers with one, without announcing anybody twice.

mod close_reason;
mod connection;
mod dialect;
mod error;
mod frame;
mod hosted;
mod hub;
pub mod metrics;
mod options;
mod route;
mod self_host;
mod server;
mod tls;
mod token_bucket;
mod upgrade;

pub use crate::close_reason::CloseReason;
pub use crate::dialect::Dialect;
pub use crate::error::ServerError;
pub use crate::frame::Malformed;
pub use crate::hosted::{
    Admission, AdmissionError, Arrival, ConnectionId, Counts, Effect, Extension, HostedDialect,
};
pub use crate::metrics::CountedEvent;
pub use crate::options::{Limits, Options};
pub use crate::route::{ParseRouteError, ResumeToken, Route, Secret};
pub use crate::self_host::SelfHostDialect;
pub use crate::server::{Server, ServerHandle};
pub use crate::tls::{Tls, TlsError};
pub use crate::upgrade::{REJOIN_RESUME, REJOIN_RESUMED, REJOIN_ROUTE, REJOIN_SECRET, REJOIN_VERSION};
