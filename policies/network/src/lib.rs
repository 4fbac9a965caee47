//! Ports that watch the host network.
