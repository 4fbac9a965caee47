//! The kernel's news: a subscription that says when to look, and the look itself.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::spawn_blocking;

use super::news::START;
use super::request::{NETLINK_ROUTE, Requests};
use crate::watch::{Looking, Lookout};
use crate::window::{Events, News};

/// RTNLGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV4_RULE, _IPV6_IFADDR, _IPV6_ROUTE and _IPV6_RULE.
///
/// A lost carrier shows in the group of links only.
const GROUPS: [u32; 7] = [1, 5, 7, 8, 9, 11, 19];

/// Events taken away at a time: a storm must not keep us from looking.
const MOST_FORGOTTEN: usize = 4096;

/// A socket that becomes readable with every change, and one for questions.
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

impl Lookout for Subscription {
    /// The kernel answers at once unless somebody holds its lock on all interfaces.
    fn look(&self) -> Looking {
        let requests = Arc::clone(&self.requests);
        spawn_blocking(move || requests.look())
    }
}

impl Events for Subscription {
    async fn next(&mut self) -> io::Result<News> {
        let mut start = [0; START];
        loop {
            let mut ready = self.events.readable().await?;
            match ready.try_io(|socket| Ok(recv(socket, &mut start, RecvFlags::empty())?)) {
                Ok(Ok((taken, _))) => return Ok(News::read(start.get(..taken).unwrap_or(&start))),
                // What was dropped may have been anything.
                Ok(Err(error)) if dropped(&error) => return Ok(News::Urgent),
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Err(error),
                Err(_would_block) => {}
            }
        }
    }

    /// What happened does not matter, only that something did: the look that follows sees all of it.
    fn forget(&mut self) -> io::Result<()> {
        let mut start = [0; START];
        for _ in 0..MOST_FORGOTTEN {
            let taken = self
                .events
                .try_io(Interest::READABLE, |socket| Ok(recv(socket, &mut start, RecvFlags::empty())?));
            match taken {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // The look makes up for what was dropped.
                Err(error) if dropped(&error) || error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Returns whether `error` says that events came faster than they were taken away.
fn dropped(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::NOBUFS)
}
