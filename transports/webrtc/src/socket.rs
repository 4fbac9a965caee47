//! The UDP sockets of the engine and the interceptors that observe their datagrams.

pub(crate) mod datagram;
pub(crate) mod dtls_retransmit;
pub(crate) mod engine_socket;
pub(crate) mod interceptor;
pub(crate) mod progress;
pub(crate) mod public_address_cache;
mod retry_timer;
pub(crate) mod stun_retry;
pub(crate) mod uplink;
pub(crate) mod waker;
