//! rejoin-websocket carries signaling over one WebSocket at a time, plain or through TLS; it never retries and decides nothing.
//!
//! [`WebSocketTransport`] implements [`SignalingTransport`](rejoin_core::SignalingTransport).
//! It must be used within a tokio runtime: every socket is one task, which ends with the socket, its replacement or the transport.
//!
//! A `rejoin serve` recognises us by the request headers `Rejoin-Version: 1` and `Rejoin-Resume: <address> <secret>`,
//! and may answer with `Rejoin-Route`, `Rejoin-Secret` and `Rejoin-Resumed: 1`.
//! Other servers ignore the former and send none of the latter.

mod connect;
mod dial;
mod exits;
mod options;
mod pump;
mod refusal;
mod resolve;
mod retry_after;
mod server_url;
mod socket;
mod tls;
mod tls_error;
mod transport;
mod upgrade;

pub use crate::options::WebSocketOptions;
pub use crate::tls_error::TlsSetupError;
pub use crate::transport::WebSocketTransport;
