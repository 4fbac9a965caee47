//! A VDO.Ninja-compatible signaling server for the hosted and the self-host [`Dialect`].
//!
//! ```
//! use rejoin_signaling_server::{Dialect, Options, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), rejoin_signaling_server::ServerError> {
//! let options = Options { dialect: Dialect::SelfHost, ..Options::default() };
//! let server = Server::bind("127.0.0.1:0", options).await?.start();
//! println!("ws://{}", server.local_addr());
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! A [`ServerDialect`] is a state machine without IO: text frames in, [`Effect`]s out.
//! [`HostedDialect`] and [`SelfHostDialect`] implement it.
//! [`Server`] is the tokio shell: an accept loop and one task per socket, over TCP or [`Tls`].
//!
//! # The hosted dialect
//! The server assigns each socket a random UUID, which it does not send to that socket.
//! A frame with `UUID` and without `request` is forwarded to that socket.
//! The server replaces its `UUID` by the sender's and leaves every other byte unchanged.
//! A frame with `request` is for the server: `seed`, `play`, `joinroom`, `migrate` or `ping`.
//! When a socket closes, its stream id is free at once and no other client is notified.
//! A publisher inside a room gets no `offerSDP` for earlier plays:
//! the room gets `videoaddedtoroom`, and each member that still wants the stream plays again.
//!
//! # The self-host dialect
//! Clients name themselves: every frame carries `from`, and the first one binds the name to its socket.
//! Frames are forwarded unchanged to all sockets in the sender's room, or outside all rooms with it;
//! those with `UUID` only to that client, and a `play` only to the publisher of its stream.
//! The server's own frames are `uuid already in use`, `sid already in use` and `can't change sid`, under `error`.
//! Unlike the servers that it replaces, it forwards no frame whose `from` is not the name of its socket,
//! and it closes dead sockets, so that a name is free again when its owner returns.
//!
//! # Resuming a UUID in the hosted dialect
//! A client that sends `Rejoin-Version: 1` with its upgrade gets its UUID (`Rejoin-Route`) and a secret (`Rejoin-Secret`).
//! With `Rejoin-Resume: <uuid> <secret>` a later socket takes over that UUID, and the answer carries `Rejoin-Resumed: 1`.
//! An open socket passes on its room, stream and pending plays and closes with 4000.
//! Of a closed one the server keeps only room and stream, and gives the stream back only if no other client has it.
//! Resuming sends no listing: a `joinroom` on the new socket answers with one, without announcing the client again.

mod claims;
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
pub use crate::dialect::{
    Admission, AdmissionError, ConnectionId, Dialect, Effect, NewConnection, ResumeRequest, ServerDialect,
};
pub use crate::error::ServerError;
pub use crate::frame::Malformed;
pub use crate::hosted::HostedDialect;
pub use crate::metrics::{CountedEvent, Counts};
pub use crate::options::{Limits, Options};
pub use crate::route::{ParseRouteError, ResumeToken, Route, Secret};
pub use crate::self_host::SelfHostDialect;
pub use crate::server::{Server, ServerHandle};
pub use crate::tls::{Tls, TlsError};
pub use crate::upgrade::{REJOIN_RESUME, REJOIN_RESUMED, REJOIN_ROUTE, REJOIN_SECRET, REJOIN_VERSION};
