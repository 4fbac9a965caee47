//! The kernel's news on systems without netlink: never.

use std::io;
use std::time::Duration;

use crate::sight::Sight;

/// What cannot be had.
#[derive(Debug)]
pub(super) enum Watch {}

impl Watch {
    /// Returns why it cannot be had.
    pub(super) fn open(_window: Duration, _urgent: Duration) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no netlink; use polling"))
    }

    /// Is never called.
    pub(super) async fn next(&mut self) -> io::Result<Sight> {
        match *self {}
    }
}
