//! A signaling transport over WebSocket, with or without TLS.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//!
//! use rejoin_core::Generation;
//! use rejoin_core::port::{SignalingAction, SignalingEvent, SignalingTransport};
//! use rejoin_vdo_ninja::{Hosted, HostedOptions};
//! use rejoin_websocket::{WebSocketOptions, WebSocketTransport};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let url = format!("ws://{}/", listener.local_addr()?);
//! # tokio::spawn(async move { tokio_tungstenite::accept_async(listener.accept().await?.0).await.map_err(std::io::Error::other) });
//! let dialect = Arc::new(Hosted::new(&HostedOptions::default()));
//! let mut transport = WebSocketTransport::new(dialect, WebSocketOptions::default())?;
//! let limit = Duration::from_secs(10);
//! transport.perform(Generation(1), SignalingAction::Open { server: url.into(), limit, resume: None });
//! let (_, event) = transport.next_event().await;
//! assert!(matches!(event, SignalingEvent::Opened { .. }));
//! # Ok(())
//! # }
//! ```
//!
//! [`WebSocketTransport`] implements [`SignalingTransport`](rejoin_core::SignalingTransport).
//! It dials once per `Open` action and never retries: the supervisor decides about that.
//! It needs a tokio runtime: every socket is one task, which ends with the socket, its replacement or the transport.
//!
//! The request headers `Rejoin-Version: 1` and `Rejoin-Resume: <address> <secret>` identify a client to `rejoin serve`,
//! which may answer with `Rejoin-Route`, `Rejoin-Secret` and `Rejoin-Resumed: 1`.
//! Other servers ignore the request headers and send none of the others.

mod dial;
mod dial_error;
mod happy_eyeballs;
mod interfaces;
mod options;
mod pump;
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
