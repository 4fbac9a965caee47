//! The ports: traits whose implementations act for the supervisor and report what happened, without deciding anything.
//!
//! The doc comments of the traits are the contract; `docs/writing-a-transport.md` numbers its rules and names a check of
//! the crate `rejoin-conformance` for most of them.
//!
//! All transports keep four rules:
//! * `perform` starts an action and returns at once; it never blocks, and results come out of `next_event`.
//! * `next_*` is cancel-safe: dropping its future loses no event. It pends while there is no event.
//! * An action for an unknown or closed [`Generation`](crate::Generation) is ignored. Core never uses a generation twice.
//! * Events of one generation come in the order in which they happened, and actions take effect in the order of `perform`.

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
