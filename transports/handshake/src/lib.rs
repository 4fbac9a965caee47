//! A VDO.Ninja-compatible handshake server.
