//! Peer connections and data channels over the webrtc crate.
//!
//! [`WebRtcTransport`] is the [`PeerTransport`](rejoin_core::port::PeerTransport): one task per connection,
//! commands in, events out.
//! [`Chaos`] breaks its connections on purpose, for demonstrations and tests.

mod bind_addresses;
mod callbacks;
mod candidates;
mod channel;
mod connection;
mod dns_cache;
mod negotiation;
mod runtime;
mod settings;
mod socket;
mod stats;
mod transport;

pub use socket::engine_socket::Chaos;
pub use transport::WebRtcTransport;
