//! The UDP sockets of the engine and the interceptors that see their datagrams.

pub(crate) mod datagram;
pub(crate) mod dtls_retransmit;
pub(crate) mod engine_socket;
pub(crate) mod public_address_cache;
pub(crate) mod stun_retry;
pub(crate) mod uplink;
