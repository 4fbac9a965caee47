//! ```no_run
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let server = std::env::args().nth(1).unwrap_or("ws://127.0.0.1:8787".into());
//!     let mut session = rejoin::connect(&server).profile("aggressive")?.view("studio").start()?;
//!     while let Some(event) = session.next_event().await {
//!         if let rejoin::Event::Received { payload, .. } = event {
//!             session.send(rejoin::Recipient::Everyone, payload).await?;
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! rejoin keeps VDO.Ninja and Social Stream WebRTC connections alive.
//! This program views a stream and sends every message back. While it runs, rejoin repairs its connections: after restarts
//! of the signaling server, lost networks, interface switches, ICE failures and peers that stop responding.
//!
//! [`connect`] returns a builder, and [`SessionBuilder::start`] returns a [`Session`] with commands and events.
//! A [`Configuration`] holds everything that can be tuned; [`SessionBuilder::profile`] takes a built-in one, and
//! [`SessionBuilder::configuration`] takes one of a [`Loader`], which also reads files, variables and single settings.
//! The session applies every key of it.
//!
//! The directory `examples/` has programs for a whole room, durable messages, a custom policy, a custom transport, metrics
//! and the state machine without any IO.
//!
//! # Features
//! All are enabled by default.
//!
//! | feature | adds |
//! |---|---|
//! | `websocket` | signaling over a WebSocket |
//! | `webrtc` | peer connections over the webrtc crate |
//! | `hosted` | the dialect of wss.vdo.ninja and `rejoin serve` |
//! | `self-host` | the dialect of VDO.Ninja servers that people run themselves |
//! | `profiles` | profiles, configuration files and the registry of policies |
//!
//! Without them the builder takes [policies](SessionBuilder::policies), a [dialect](SessionBuilder::dialect),
//! a [signaling transport](SessionBuilder::signaling_transport) and a [peer transport](SessionBuilder::peer_transport).

mod builder;
mod default_transport;
mod start_error;

pub use builder::{SessionBuilder, connect};
pub use start_error::StartError;

pub use async_trait::async_trait;
#[cfg(feature = "profiles")]
pub use rejoin_config::{
    ConfigError, Configuration, Loader, Outbox, PROFILES, PolicyEntry, Profile, Registry, Setting, Spare,
    profile,
};
pub use rejoin_core::{
    BackoffPolicy, ChannelMessage, Command, DeliveryStore, Dialect, Direction, Event, Fault, Generation,
    HealthProbe, IceServer, Identity, Input, Link, NetworkMonitor, NetworkSnapshot, Output, Payload, PeerKey,
    PeerTransport, Platform, Policies, QualityPolicy, Recipient, RecoveryStep, RecoveryStrategy,
    SessionStore, Settings, SignalingMessage, SignalingTransport, StreamId, Supervisor, TimeoutPolicy,
    delivery, ice, id, message, network, output, policy, port, session, stats, supervisor,
};
pub use rejoin_driver::{
    Events, FileStore, Handle, LinkWatch, Links, MemoryStore, RedbDeliveryStore, SendError, Session,
    SessionClosed, telemetry,
};
#[cfg(any(feature = "hosted", feature = "self-host"))]
pub use rejoin_vdo_ninja::{
    ClientId, DEFAULT_SALT, Hosted, HostedOptions, Password, SelfHost, SelfHostOptions, room_id, stream_id,
};
#[cfg(feature = "webrtc")]
pub use rejoin_webrtc::{FaultInjector, WebRtcTransport};
#[cfg(feature = "websocket")]
pub use rejoin_websocket::{WebSocketOptions, WebSocketTransport};
pub use serde;
