//! The subscription on systems without netlink, which cannot be opened.

use std::io;

use crate::debounce::{EventSource, Urgency};
use crate::watch::{Scanner, Scanning};

/// A subscription that does not exist here.
#[derive(Debug)]
pub(super) enum Subscription {}

impl Subscription {
    /// Fails, because this system has no netlink.
    pub(super) fn open() -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no netlink; use portable"))
    }
}

impl EventSource for Subscription {
    async fn next(&mut self) -> io::Result<Urgency> {
        match *self {}
    }

    fn discard(&mut self) -> io::Result<()> {
        match *self {}
    }
}

impl Scanner for Subscription {
    fn scan(&self) -> Scanning {
        match *self {}
    }
}
