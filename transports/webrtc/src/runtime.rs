//! The engine's runtime: tokio with our sockets, a DNS cache, and short sleeps.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use socket2::SockRef;
use tokio::sync::Notify;
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime, TokioRuntime,
};

use crate::bind_addresses::bind_device;
use crate::channel::MAX_OUTSTANDING;
use crate::dns_cache::DnsCache;
use crate::faults::{FaultInjector, FaultySocket};
use crate::socket::dtls_retransmit::DtlsRetransmit;
use crate::socket::engine_socket::EngineSocket;
use crate::socket::stun_retry::{StunContext, StunRetry};
use crate::socket::uplink::{Uplink, UplinkDetector};
use crate::socket::waker::DriverWaker;

/// A future of the engine's runtime.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a socket may hold until the driver reads it: all that a peer like us sends without an acknowledgement, and as
/// much again for the kernel's own bookkeeping.
///
/// The usual 208 KiB overflow when a busy host does not schedule us, and SCTP takes a second to resend the end of a
/// burst.
const RECEIVE_BUFFER: usize = 2 * MAX_OUTSTANDING;

/// What a runtime is built from.
#[derive(Debug)]
pub(crate) struct RuntimeParts {
    /// Drops datagrams on demand.
    pub(crate) faults: FaultInjector,
    /// Resolves names.
    pub(crate) dns: DnsCache,
    /// Shared by the sockets' STUN retries.
    pub(crate) stun: StunContext,
    /// Whether each socket is bound to the interface of its address.
    pub(crate) binds_device: bool,
}

/// The runtime of one connection.
#[derive(Debug)]
pub(crate) struct EngineRuntime {
    tokio: TokioRuntime,
    parts: RuntimeParts,
    uplink: Uplink,
    waker: DriverWaker,
    driver_spawned: AtomicBool,
    driver_stopped: Arc<Notify>,
}

/// Notifies when it is dropped, also by a panic.
struct NotifyOnDrop(Arc<Notify>);

impl Drop for NotifyOnDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl EngineRuntime {
    /// Creates a runtime.
    pub(crate) fn new(parts: RuntimeParts) -> Self {
        let (uplink, waker) = (Uplink::default(), DriverWaker::default());
        let (driver_spawned, driver_stopped) = (AtomicBool::new(false), Arc::default());
        Self { tokio: TokioRuntime, parts, uplink, waker, driver_spawned, driver_stopped }
    }

    /// Returns the local address at which the peer's packets arrive.
    pub(crate) fn uplink(&self) -> &Uplink {
        &self.uplink
    }

    /// Returns the waker of the engine's driver, for commands that were given to the engine.
    pub(crate) fn waker(&self) -> &DriverWaker {
        &self.waker
    }

    /// Waits until the engine's driver has stopped, which it does by itself only when it cannot go on.
    pub(crate) async fn stopped(&self) {
        self.driver_stopped.notified().await;
    }
}

impl Runtime for EngineRuntime {
    fn spawn(&self, future: Boxed<'static, ()>) -> Box<dyn JoinHandle> {
        // The driver is spawned first; a task that it spawns itself, to dial a TCP candidate, ends without a fault.
        if self.driver_spawned.swap(true, Ordering::AcqRel) {
            return self.tokio.spawn(future);
        }
        let on_drop = NotifyOnDrop(Arc::clone(&self.driver_stopped));
        self.tokio.spawn(Box::pin(async move {
            let _on_drop = on_drop;
            future.await;
        }))
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        // The kernel grants what its administrator allows.
        if let Err(error) = SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER) {
            tracing::debug!(%error, "a socket keeps its receive buffer");
        }
        let local = socket.local_addr()?;
        if self.parts.binds_device {
            bind_device(&socket, local.ip());
        }
        let stun = self.parts.stun.clone();
        let progress = stun.progress.clone();
        let socket = self.tokio.wrap_udp_socket(socket)?;
        let socket = Arc::new(FaultySocket { socket, faults: self.parts.faults.clone() });
        Ok(Arc::new(EngineSocket::new(
            socket,
            vec![
                Box::new(StunRetry::new(local, stun)),
                Box::new(DtlsRetransmit::new(progress)),
                Box::new(UplinkDetector { local: local.ip(), uplink: self.uplink.clone() }),
                Box::new(self.waker.clone()),
            ],
        )))
    }

    fn wrap_tcp_listener(&self, listener: std::net::TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        self.tokio.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(&'a self, remote: SocketAddr) -> Boxed<'a, io::Result<Arc<dyn AsyncTcpStream>>> {
        self.tokio.connect_tcp(remote)
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> Boxed<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(std::future::ready(self.parts.dns.resolve(host)))
    }

    fn sleep(&self, duration: Duration) -> Boxed<'static, ()> {
        Box::pin(self.waker.clone().shorten(self.tokio.sleep(duration)))
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
    use crate::socket::progress::Progress;
    use crate::socket::public_address_cache::PublicAddressCache;

    #[tokio::test]
    async fn stopped_waits_for_the_driver_only() {
        let runtime = runtime();
        let driver = runtime.spawn(Box::pin(pending()));
        let other = runtime.spawn(Box::pin(ready(())));
        while !other.is_finished() {
            runtime.yield_now().await;
        }
        let mut stopped = Box::pin(runtime.stopped());
        tokio::select! {
            biased;
            () = &mut stopped => panic!("another task counted as the driver"),
            () = ready(()) => {}
        }
        driver.abort();
        stopped.await;
    }

    #[tokio::test]
    async fn a_driver_that_panics_has_stopped() {
        let runtime = runtime();
        runtime.spawn(Box::pin(async { std::panic::resume_unwind(Box::new("not from the network")) }));
        runtime.stopped().await;
    }

    fn runtime() -> EngineRuntime {
        let (events, _) = tokio::sync::mpsc::unbounded_channel();
        let (progress, public_addresses) = (Progress::default(), PublicAddressCache::default());
        let stun = StunContext { events, progress, public_addresses };
        let (faults, dns) = (FaultInjector::new(), DnsCache::default());
        EngineRuntime::new(RuntimeParts { faults, dns, stun, binds_device: false })
    }
}
