//! rejoin-core decides how a VDO.Ninja connection stays alive; it reads no clock, throws no dice, opens nothing.
//!
//! The [`Supervisor`] is a sans-IO machine: tell it what happened with [`Supervisor::handle_input`],
//! do what [`Supervisor::poll_output`] says, and come back at [`Supervisor::next_timeout`].
//! The traits in [`policy`] answer its questions; the traits in [`port`] carry out its actions.

pub mod budget;
pub mod delivery;
pub mod fault;
pub mod ice;
pub mod id;
pub mod input;
pub mod message;
pub mod network;
pub mod output;
mod peer;
pub mod platform;
pub mod policy;
pub mod port;
pub mod rng;
pub mod rtt;
pub mod sdp;
pub mod session;
pub mod stats;
pub mod supervisor;

pub use crate::fault::{Fault, Link, Phase};
pub use crate::ice::{IceCandidate, IceConnectionState, IceServer, IceTransportPolicy, Role};
pub use crate::id::{Direction, Generation, Identity, PeerKey, SessionId, SignalingAddress, StreamId};
pub use crate::input::{Command, Input, Recipient};
pub use crate::message::{ChannelMessage, Payload, SignalingMessage};
pub use crate::network::{NetworkChange, NetworkSnapshot};
pub use crate::output::{Event, Output};
pub use crate::platform::Platform;
pub use crate::policy::{
    BackoffPolicy, HealthProbe, Policies, QualityPolicy, RecoveryStep, RecoveryStrategy, TimeoutPolicy,
};
pub use crate::port::{
    DeliveryStore, Dialect, NetworkMonitor, PeerTransport, SessionStore, SignalingTransport,
};
pub use crate::supervisor::{Settings, Supervisor, Timer};
