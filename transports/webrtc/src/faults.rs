//! Fault injection: drops every datagram of a transport, or closes its data channels.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::sync::watch;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

/// Injects faults below the connections of one transport; the supervisor gets no direct notice of them.
#[derive(Clone)]
pub struct FaultInjector {
    blocked: Arc<AtomicBool>,
    channel_closes: Arc<watch::Sender<u64>>,
}

impl FaultInjector {
    /// Creates an injector that has injected nothing yet.
    pub(crate) fn new() -> Self {
        Self { blocked: Arc::default(), channel_closes: Arc::new(watch::Sender::new(0)) }
    }

    /// Drops every datagram of the transport's sockets from here on, in both directions.
    ///
    /// The engine gets no error: sends succeed, and nothing arrives.
    pub fn block_datagrams(&self) {
        self.blocked.store(true, Ordering::Relaxed);
    }

    /// Ends the effect of [`block_datagrams`](Self::block_datagrams).
    pub fn unblock_datagrams(&self) {
        self.blocked.store(false, Ordering::Relaxed);
    }

    /// Returns whether datagrams are dropped.
    pub fn is_blocking(&self) -> bool {
        self.blocked.load(Ordering::Relaxed)
    }

    /// Closes every data channel, as a fault of the peer or of SCTP would.
    pub fn close_channels(&self) {
        self.channel_closes.send_modify(|closes| *closes += 1);
    }

    /// Returns a receiver that changes at every [`close_channels`](Self::close_channels).
    pub(crate) fn channel_closes(&self) -> watch::Receiver<u64> {
        self.channel_closes.subscribe()
    }
}

impl fmt::Debug for FaultInjector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultInjector").field("blocking", &self.is_blocking()).finish_non_exhaustive()
    }
}

/// A UDP socket whose datagrams a [`FaultInjector`] can drop.
#[derive(Debug)]
pub(crate) struct FaultySocket {
    pub(crate) socket: Arc<dyn AsyncUdpSocket>,
    pub(crate) faults: FaultInjector,
}

impl AsyncUdpSocket for FaultySocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        if self.faults.is_blocking() {
            return Poll::Ready(Ok(transmit.contents.len()));
        }
        self.socket.poll_send(cx, transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        loop {
            match self.socket.poll_recv(cx, bufs, meta) {
                // Reading and dropping keeps the kernel's buffer empty, so nothing old arrives after the block.
                Poll::Ready(Ok(_)) if self.faults.is_blocking() => {}
                polled => return polled,
            }
        }
    }

    fn max_gso_segments(&self) -> usize {
        self.socket.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.socket.max_gro_segments()
    }
}
