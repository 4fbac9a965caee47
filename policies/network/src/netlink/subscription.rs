//! A subscription to the kernel's change events, and the scan that follows them.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::spawn_blocking;

use super::request::{NETLINK_ROUTE, Requests};
use super::urgency::HEADER_LENGTH;
use crate::debounce::{EventSource, Urgency};
use crate::watch::{Scanner, Scanning};

/// RTNLGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV4_RULE, _IPV6_IFADDR, _IPV6_ROUTE and _IPV6_RULE.
///
/// Only the group of links reports a lost carrier.
const GROUPS: [u32; 7] = [1, 5, 7, 8, 9, 11, 19];

/// Events discarded at a time, so that a high rate of events cannot put off a scan.
const MAX_DISCARDED: usize = 4096;

/// A socket that becomes readable with every change, and one for requests.
#[derive(Debug)]
pub(super) struct Subscription {
    events: AsyncFd<OwnedFd>,
    requests: Arc<Requests>,
}

impl Subscription {
    /// Subscribes to changes.
    #[allow(deprecated, reason = "its replacement is unsafe; an OwnedFd stays open while it is registered")]
    pub(super) fn open() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, NETLINK_ROUTE)?;
        let groups = GROUPS.iter().fold(0, |mask, group| mask | 1 << (group - 1));
        bind(&socket, &SocketAddrNetlink::new(0, groups))?;
        let events = AsyncFd::with_interest(socket, Interest::READABLE)?;
        Ok(Self { events, requests: Arc::new(Requests::open()?) })
    }
}

impl Scanner for Subscription {
    /// Runs on a thread of its own, since the kernel answers late while its lock on all interfaces is held.
    fn scan(&self) -> Scanning {
        let requests = Arc::clone(&self.requests);
        spawn_blocking(move || requests.scan())
    }
}

impl EventSource for Subscription {
    async fn next(&mut self) -> io::Result<Urgency> {
        let mut start = [0; HEADER_LENGTH];
        loop {
            let mut ready = self.events.readable().await?;
            match ready.try_io(|socket| Ok(recv(socket, &mut start, RecvFlags::empty())?)) {
                Ok(Ok((taken, _))) => return Ok(Urgency::of(start.get(..taken).unwrap_or(&start))),
                // The dropped events may have been urgent.
                Ok(Err(error)) if dropped(&error) => return Ok(Urgency::Urgent),
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Err(error),
                Err(_would_block) => {}
            }
        }
    }

    /// The content of the events does not matter, because the scan that follows sees every change.
    fn discard(&mut self) -> io::Result<()> {
        let mut start = [0; HEADER_LENGTH];
        for _ in 0..MAX_DISCARDED {
            let taken = self
                .events
                .try_io(Interest::READABLE, |socket| Ok(recv(socket, &mut start, RecvFlags::empty())?));
            match taken {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // The scan finds the changes of dropped events.
                Err(error) if dropped(&error) || error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Returns whether `error` means that the kernel dropped events because the socket was full.
fn dropped(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::NOBUFS)
}
