//! The signaling link over WebSocket.
