//! The links to peers: [`link::PeerLink`] holds one sub-machine per concern and combines them.

pub(crate) mod connection;
pub(crate) mod connections;
pub(crate) mod consent;
pub(crate) mod health;
pub(crate) mod hedge;
pub(crate) mod link;
pub(crate) mod liveness;
pub(crate) mod local_signaling;
pub(crate) mod negotiation;
pub(crate) mod outage;
pub(crate) mod probes;
pub(crate) mod quality;
pub(crate) mod remote;
pub(crate) mod repair;
pub(crate) mod signaling_path;
pub(crate) mod spare;
pub(crate) mod steps;
pub(crate) mod timeline;
pub(crate) mod verification;
