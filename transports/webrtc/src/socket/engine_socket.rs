//! Breaks real things on purpose.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::sync::watch;
use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

use crate::socket::dtls_retransmit::Flight;
use crate::socket::stun_retry::Reflection;
use crate::runtime::Pace;
use crate::socket::uplink::Uplink;

/// Breaks a transport's connections underneath, without telling the machine.
#[derive(Clone)]
pub struct Chaos {
    severed: Arc<AtomicBool>,
    closings: Arc<watch::Sender<u64>>,
}

impl Chaos {
    /// Creates a handle that has broken nothing yet.
    pub(crate) fn new() -> Self {
        Self { severed: Arc::default(), closings: Arc::new(watch::Sender::new(0)) }
    }

    /// Cuts or mends the cable: while cut, every datagram of the transport's sockets vanishes, both ways.
    ///
    /// Nothing above notices by itself: sends succeed, and nothing arrives.
    pub fn cut(&self, cut: bool) {
        self.severed.store(cut, Ordering::Relaxed);
    }

    /// Returns whether the cable is cut.
    pub fn is_cut(&self) -> bool {
        self.severed.load(Ordering::Relaxed)
    }

    /// Closes every data channel, as a fault of the peer or of SCTP would.
    pub fn close_channels(&self) {
        self.closings.send_modify(|closings| *closings += 1);
    }

    /// Returns a receiver that changes at every [`close_channels`](Self::close_channels).
    pub(crate) fn closings(&self) -> watch::Receiver<u64> {
        self.closings.subscribe()
    }
}

impl fmt::Debug for Chaos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chaos").field("cut", &self.is_cut()).finish_non_exhaustive()
    }
}

/// A UDP socket on a cable that [`Chaos`] can cut.
#[derive(Debug)]
pub(crate) struct CableSocket {
    socket: Arc<dyn AsyncUdpSocket>,
    chaos: Chaos,
    pace: Arc<Pace>,
    ears: Ears,
}

/// Who listens to what goes out and arrives at a socket, and where that is.
#[derive(Debug)]
pub(crate) struct Ears {
    pub(crate) flight: Flight,
    pub(crate) reflection: Reflection,
    pub(crate) uplink: Uplink,
    pub(crate) local: SocketAddr,
}

impl CableSocket {
    /// Puts `socket` on the cable; each datagram that arrives quickens `pace`.
    pub(crate) fn new(socket: Arc<dyn AsyncUdpSocket>, chaos: Chaos, pace: Arc<Pace>, ears: Ears) -> Self {
        Self { socket, chaos, pace, ears }
    }

    /// Repeats the STUN queries and the flights that are due.
    ///
    /// The driver's task both sends and receives, so this cannot take the waker of a send that waits.
    /// What the kernel does not take is due again in a moment.
    fn repeat(&self, cx: &mut Context<'_>) {
        let due = self.ears.reflection.due(cx).into_iter().chain(self.ears.flight.due(cx));
        for datagram in due {
            let _ = self.pass(cx, &datagram.transmit());
        }
    }

    /// Sends where the cable is whole.
    fn pass(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        if self.chaos.is_cut() {
            return Poll::Ready(Ok(transmit.contents.len()));
        }
        self.socket.poll_send(cx, transmit)
    }
}

impl AsyncUdpSocket for CableSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        self.ears.reflection.sent(transmit);
        self.ears.flight.sent(transmit);
        self.pass(cx, transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.repeat(cx);
        loop {
            match self.socket.poll_recv(cx, bufs, meta) {
                // Taken from the kernel and dropped, so that nothing old arrives once the cable is mended.
                Poll::Ready(Ok(_)) if self.chaos.is_cut() => {}
                Poll::Ready(received) => {
                    for (buffer, meta) in bufs.iter().zip(&*meta).take(*received.as_ref().unwrap_or(&0)) {
                        self.ears.reflection.heard(meta, buffer);
                        self.ears.uplink.heard(self.ears.local.ip(), buffer);
                    }
                    self.pace.nudge();
                    return Poll::Ready(received);
                }
                Poll::Pending => return Poll::Pending,
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
