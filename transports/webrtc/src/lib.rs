//! Peer connections and data channels over the webrtc crate.
//!
//! ```
//! use std::sync::Arc;
//!
//! use rejoin_core::port::{ConnectionSetup, PeerAction, PeerEvent, PeerTransport};
//! use rejoin_core::{Generation, Role};
//! use rejoin_vdo_ninja::{Hosted, HostedOptions};
//! use rejoin_webrtc::WebRtcTransport;
//!
//! #[tokio::main]
//! async fn main() {
//!     let dialect = Arc::new(Hosted::new(&HostedOptions::default()));
//!     let [mut offerer, mut answerer] = [Role::Offerer, Role::Answerer].map(|role| {
//!         let mut transport = WebRtcTransport::new(dialect.clone());
//!         transport.perform(Generation(1), PeerAction::Create(ConnectionSetup::new(role)));
//!         transport
//!     });
//!     // This program is the signaling server: it passes descriptions and candidates on.
//!     loop {
//!         let (is_offerer, (generation, event)) = tokio::select! {
//!             event = offerer.next_event() => (true, event),
//!             event = answerer.next_event() => (false, event),
//!         };
//!         let action = match event {
//!             PeerEvent::LocalDescription(description) => PeerAction::Accept(description),
//!             PeerEvent::LocalCandidates(candidates) => PeerAction::AddCandidates(candidates),
//!             PeerEvent::ChannelOpen => break,
//!             _ => continue,
//!         };
//!         let receiver = if is_offerer { &mut answerer } else { &mut offerer };
//!         receiver.perform(generation, action);
//!     }
//! }
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
