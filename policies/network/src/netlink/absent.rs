//! The kernel's news on systems without netlink: never.

use std::io;

use crate::watch::{Looking, Lookout};
use crate::window::{Events, News};

/// What cannot be had.
#[derive(Debug)]
pub(super) enum Subscription {}

impl Subscription {
    /// Returns why it cannot be had.
    pub(super) fn open() -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no netlink; use portable"))
    }
}

impl Events for Subscription {
    async fn next(&mut self) -> io::Result<News> {
        match *self {}
    }

    fn forget(&mut self) -> io::Result<()> {
        match *self {}
    }
}

impl Lookout for Subscription {
    fn look(&self) -> Looking {
        match *self {}
    }
}
