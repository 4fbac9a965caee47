//! The VDO.Ninja wire dialect, pure.
