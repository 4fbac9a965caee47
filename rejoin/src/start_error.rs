//! The reason why a session cannot start.

/// The reason why a session cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration is invalid.
    #[cfg(feature = "profiles")]
    #[error(transparent)]
    Configuration(#[from] rejoin_config::ConfigError),
    /// The certificate authorities of the signaling transport cannot be used.
    #[cfg(feature = "websocket")]
    #[error("the certificate authorities cannot be used: {0}")]
    Tls(#[from] rejoin_websocket::TlsSetupError),
    /// There is no signaling transport.
    #[error(
        "there is no signaling transport; enable the features websocket and hosted, give a dialect(), \
         or give a signaling_transport()"
    )]
    NoSignalingTransport,
    /// There is no peer transport.
    #[error(
        "there is no peer transport; enable the features webrtc and hosted, give a dialect(), \
         or give a peer_transport()"
    )]
    NoPeerTransport,
    /// The driver cannot start.
    #[error(transparent)]
    Driver(#[from] rejoin_driver::StartError),
}
