//! A second subscription, which records when the kernel reported a change, independently of the monitor.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::sockopt::set_socket_recv_buffer_size;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};

use crate::log::{Record, Recorder};

/// RTNLGRP_LINK, _IPV4_IFADDR and _IPV4_ROUTE.
const GROUPS: [u32; 3] = [1, 5, 7];

/// The kind of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A link changed.
    Link,
    /// An address came or went.
    Address,
    /// A default route came or went.
    DefaultRoute,
}

/// Counts the messages of the kernel until it is dropped.
pub(crate) struct KernelEvents(Arc<AtomicU64>);

impl KernelEvents {
    /// Watches this namespace on a thread of its own, and records messages of these kinds.
    pub(crate) fn watch(kinds: &'static [Kind], recorder: Recorder) -> Self {
        let (family, flags) = (AddressFamily::NETLINK, SocketFlags::CLOEXEC);
        let socket = socket_with(family, SocketType::RAW, flags, None).unwrap();
        // As much as is allowed.
        let _ = set_socket_recv_buffer_size(&socket, 1 << 22);
        let groups = GROUPS.iter().fold(0, |mask, group| mask | 1 << (group - 1));
        #[allow(deprecated, reason = "its replacement is unsafe")]
        bind(&socket, &SocketAddrNetlink::new(0, groups)).unwrap();
        let count = Arc::new(AtomicU64::new(0));
        let counted = Arc::downgrade(&count);
        thread::spawn(move || {
            let mut start = [0; 32];
            loop {
                match recv(&socket, &mut start, RecvFlags::empty()) {
                    Ok(_) => {}
                    Err(Errno::NOBUFS | Errno::INTR) => continue,
                    Err(error) => panic!("the kernel_events is deaf: {error}"),
                }
                let Some(counted) = counted.upgrade() else { break };
                counted.fetch_add(1, Ordering::Relaxed);
                if let Some(kind) = kind(&start).filter(|kind| kinds.contains(kind)) {
                    recorder.record(Record::Kernel(kind));
                }
            }
        });
        Self(count)
    }

    /// Returns how many messages came so far.
    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Reads the type of a message and, of a route, the length of its destination's prefix.
fn kind(start: &[u8; 32]) -> Option<Kind> {
    match (u16::from_ne_bytes([start[4], start[5]]), start[17]) {
        (16 | 17, _) => Some(Kind::Link),
        (20 | 21, _) => Some(Kind::Address),
        (24 | 25, 0) => Some(Kind::DefaultRoute),
        _ => None,
    }
}
