//! Peer connections and data channels over the webrtc crate.
//!
//! ```
//! ```
//!
//! [`WebRtcTransport`] is the [`PeerTransport`](rejoin_core::port::PeerTransport): one task per connection,
//! actions in, events out.
//! [`FaultInjector`] breaks its connections, for demonstrations and tests.

mod bind_addresses;
mod callbacks;
mod candidates;
mod channel;
mod connection;
mod dns_cache;
mod engine_event;
mod event_sender;
mod faults;
mod ice;
mod negotiation;
mod runtime;
mod sdp;
mod settings;
mod socket;
mod stats;
mod task_command;
mod transport;

pub use faults::FaultInjector;
pub use transport::WebRtcTransport;
