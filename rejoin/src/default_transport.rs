//! The dialect and the transports that a session uses unless the builder replaces them.

use std::sync::Arc;

#[cfg(feature = "websocket")]
use rejoin_core::SignalingTransport;
use rejoin_core::{Dialect, PeerTransport};

/// Returns the hosted dialect with VDO.Ninja's default password.
pub(crate) fn dialect() -> Option<Arc<dyn Dialect>> {
    #[cfg(feature = "hosted")]
    return Some(Arc::new(rejoin_vdo_ninja::Hosted::new(&rejoin_vdo_ninja::HostedOptions::default())));
    #[cfg(not(feature = "hosted"))]
    None
}

/// Returns the WebSocket transport, which needs a dialect.
#[cfg(feature = "websocket")]
pub(crate) fn signaling(
    dialect: Option<&Arc<dyn Dialect>>,
    options: rejoin_websocket::WebSocketOptions,
) -> Result<Option<Box<dyn SignalingTransport>>, rejoin_websocket::TlsSetupError> {
    let Some(dialect) = dialect else { return Ok(None) };
    Ok(Some(Box::new(rejoin_websocket::WebSocketTransport::new(Arc::clone(dialect), options)?)))
}

/// Returns the WebRTC transport, which needs a dialect.
#[cfg_attr(
    not(feature = "webrtc"),
    allow(unused_variables, reason = "there is no transport for the dialect")
)]
pub(crate) fn peers(dialect: Option<&Arc<dyn Dialect>>) -> Option<Box<dyn PeerTransport>> {
    #[cfg(feature = "webrtc")]
    return Some(Box::new(rejoin_webrtc::WebRtcTransport::new(Arc::clone(dialect?))));
    #[cfg(not(feature = "webrtc"))]
    None
}
