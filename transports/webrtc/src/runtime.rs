//! The engine's view of the host: tokio, a cable that can be cut, names that never block, short sleeps.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use socket2::SockRef;
use tokio::sync::Notify;
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime, TokioRuntime,
};

use crate::channel::MOST_OUTSTANDING;
use crate::socket::engine_socket::{CableSocket, Chaos, Ears};
use crate::socket::dtls_retransmit::{Flight, Opening};
use crate::dns_cache::Names;
use crate::socket::stun_retry::{Reflection, Search};
use crate::socket::uplink::Uplink;

/// A future of the engine's runtime.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The runtime of one connection.
#[derive(Debug)]
pub(crate) struct HostRuntime {
    tokio: TokioRuntime,
    chaos: Chaos,
    names: Names,
    search: Search,
    opening: Opening,
    uplink: Uplink,
    pace: Arc<Pace>,
    driven: AtomicBool,
    stopped: Arc<Notify>,
}

/// Tells that the driver has ended, also where it panicked.
struct Ending(Arc<Notify>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// How many rounds the driver goes without sleep after each nudge: a relayed packet is unwrapped in one,
/// handled in the next, and its reply wrapped and sent in the third.
const ROUNDS: u8 = 3;

/// What a socket may hold until the driver reads it: all that a peer like us sends without an acknowledgement, and as
/// much again for the kernel's own account of it.
///
/// The usual 208 KiB overflow when a busy host schedules us away, and SCTP takes a second to repeat the end of a burst.
const RECEIVE_BUFFER: usize = 2 * MOST_OUTSTANDING;

/// Gets the driver to look again.
///
/// Each round of its loop writes first, then handles what was read, and then sleeps until the next timer:
/// what the handling wants to write (the first packets of DTLS and SCTP, anything over a relay) would wait up to
/// 200 ms each time. So every datagram and every nudge makes the next sleeps empty.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    rounds: AtomicU8,
    moved: Notify,
    leaving: AtomicBool,
}

impl Pace {
    /// Wakes the driver for a few rounds.
    pub(crate) fn nudge(&self) {
        self.rounds.store(ROUNDS, Ordering::Release);
        self.moved.notify_one();
    }

    /// Returns whether the driver goes on without sleeping.
    fn hurries(&self) -> bool {
        let left = |rounds: u8| rounds.checked_sub(1);
        self.rounds.fetch_update(Ordering::AcqRel, Ordering::Acquire, left).is_ok()
    }
}

impl HostRuntime {
    /// Creates a runtime whose sockets obey `chaos` and take part in `search`, whose names are `names`, and whose
    /// packets leave by `uplink`.
    pub(crate) fn new(chaos: Chaos, names: Names, search: Search, uplink: Uplink) -> Self {
        let (pace, driven, stopped) = (Arc::default(), AtomicBool::new(false), Arc::default());
        let opening = Opening::default();
        Self { tokio: TokioRuntime, chaos, names, search, opening, uplink, pace, driven, stopped }
    }

    /// Returns the address of ours at which the peer is heard.
    pub(crate) fn local(&self) -> Option<IpAddr> {
        self.uplink.local()
    }

    /// Wakes the driver for what was asked of the engine just now.
    pub(crate) fn nudge(&self) {
        self.pace.nudge();
    }

    /// Learns that the channel is open, so that nothing more needs to be sent twice.
    pub(crate) fn opened(&self) {
        self.opening.end();
    }

    /// Waits until the engine's driver has ended, which it does early only when it cannot go on.
    pub(crate) async fn stopped(&self) {
        self.stopped.notified().await;
    }

    /// Lets every sleep from here last: a closing connection uses one to wait for its driver's goodbyes.
    pub(crate) fn leave(&self) {
        self.pace.leaving.store(true, Ordering::Release);
    }
}

impl Runtime for HostRuntime {
    fn spawn(&self, future: Boxed<'static, ()>) -> Box<dyn JoinHandle> {
        // The driver is spawned first; what it spawns itself, to dial a TCP candidate, ends in good health.
        if self.driven.swap(true, Ordering::AcqRel) {
            return self.tokio.spawn(future);
        }
        let ending = Ending(Arc::clone(&self.stopped));
        self.tokio.spawn(Box::pin(async move {
            let _ending = ending;
            future.await;
        }))
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        // the kernel grants what its administrator allows
        if let Err(error) = SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER) {
            tracing::debug!(%error, "a socket keeps its receive buffer");
        }
        let local = socket.local_addr()?;
        self.uplink.tie(&socket, local.ip());
        let (flight, uplink) = (Flight::new(self.opening.clone()), self.uplink.clone());
        let reflection = Reflection::new(local, self.search.clone());
        let socket = self.tokio.wrap_udp_socket(socket)?;
        let (chaos, pace) = (self.chaos.clone(), Arc::clone(&self.pace));
        Ok(Arc::new(CableSocket::new(socket, chaos, pace, Ears { flight, reflection, uplink, local })))
    }

    fn wrap_tcp_listener(&self, listener: std::net::TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        self.tokio.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(&'a self, remote: SocketAddr) -> Boxed<'a, io::Result<Arc<dyn AsyncTcpStream>>> {
        self.tokio.connect_tcp(remote)
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> Boxed<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(std::future::ready(self.names.resolve(host)))
    }

    fn sleep(&self, duration: Duration) -> Boxed<'static, ()> {
        let (pace, sleep) = (Arc::clone(&self.pace), self.tokio.sleep(duration));
        Box::pin(async move {
            if pace.leaving.load(Ordering::Acquire) {
                sleep.await;
            } else if !pace.hurries() {
                tokio::select! {
                    () = sleep => {}
                    () = pace.moved.notified() => {}
                }
            }
        })
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        self.tokio.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.tokio.block_on(future);
    }

    fn yield_now(&self) -> Boxed<'static, ()> {
        self.tokio.yield_now()
    }

    fn name(&self) -> &'static str {
        self.tokio.name()
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;
    use crate::socket::public_address_cache::Outside;

    #[tokio::test]
    async fn only_the_end_of_the_driver_is_told() {
        let runtime = runtime();
        let driver = runtime.spawn(Box::pin(pending()));
        let errand = runtime.spawn(Box::pin(ready(())));
        while !errand.is_finished() {
            runtime.yield_now().await;
        }
        let mut stopped = Box::pin(runtime.stopped());
        tokio::select! {
            biased;
            () = &mut stopped => panic!("an errand passed for the driver"),
            () = ready(()) => {}
        }
        driver.abort();
        stopped.await;
    }

    #[tokio::test]
    async fn a_driver_that_panics_has_ended() {
        let runtime = runtime();
        runtime.spawn(Box::pin(async { std::panic::resume_unwind(Box::new("not from the network")) }));
        runtime.stopped().await;
    }

    fn runtime() -> HostRuntime {
        let (found, _) = tokio::sync::mpsc::unbounded_channel();
        let search = Search::new(found, Outside::default());
        HostRuntime::new(Chaos::new(), Names::default(), search, Uplink::default())
    }
}
