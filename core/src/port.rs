//! The ports: they do what the machine says and report what happened; they decide nothing.
//!
//! Every `next_*` method is cancel-safe: dropping its future loses no event.

mod delivery_store;
mod network;
mod peer;
mod signaling;
mod store;

pub use delivery_store::{ConfirmLog, DeliveryStore};
pub use network::NetworkMonitor;
pub use peer::{ConnectionSetup, PeerAction, PeerEvent, PeerTransport};
pub use signaling::{
    ChannelFrame, Dialect, DialectError, Resumption, SignalingAction, SignalingEvent, SignalingTransport,
};
pub use store::{SessionStore, StoreError};
