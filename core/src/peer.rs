//! The links to peers: [`link::PeerLink`] holds one sub-machine per concern and combines them.

pub(crate) mod connection;
pub(crate) mod connections;
pub(crate) mod connectivity;
pub(crate) mod consent;
pub(crate) mod early_candidates;
pub(crate) mod health;
pub(crate) mod link;
pub(crate) mod liveness;
pub(crate) mod negotiation;
pub(crate) mod offer;
pub(crate) mod outage;
pub(crate) mod probes;
pub(crate) mod quality;
pub(crate) mod remote;
pub(crate) mod repair;
pub(crate) mod repair_state;
pub(crate) mod spare_slot;
pub(crate) mod spares;
pub(crate) mod timeline;
