//! Peer connections and data channels over the webrtc crate.
//!
//! [`WebRtcTransport`] is the [`PeerTransport`](rejoin_core::port::PeerTransport): one task per connection,
//! commands in, events out.
//! [`Chaos`] breaks its connections on purpose, for demonstrations and tests.

mod addresses;
mod callbacks;
mod candidates;
mod channel;
mod chaos;
mod connection;
mod datagram;
mod flight;
mod names;
mod negotiation;
mod outside;
mod reflection;
mod runtime;
mod settings;
mod stats;
mod transport;
mod uplink;

pub use chaos::Chaos;
pub use transport::WebRtcTransport;
