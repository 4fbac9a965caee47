//! The engine's view of the host: tokio, with sockets on a cable that can be cut and names that never block.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rejoin_core::IceServer;
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime, TokioRuntime,
};

use crate::chaos::{CableSocket, Chaos};
use crate::names::Names;

/// A future of the engine's runtime.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The runtime that all connections of a transport share.
#[derive(Debug)]
pub(crate) struct HostRuntime {
    tokio: TokioRuntime,
    chaos: Chaos,
    names: Names,
}

impl HostRuntime {
    /// Creates a runtime whose sockets obey `chaos`.
    pub(crate) fn new(chaos: Chaos) -> Self {
        Self { tokio: TokioRuntime, chaos, names: Names::default() }
    }

    /// Makes sure that the engine will find the hosts of `servers`, as far as a little patience goes.
    pub(crate) async fn look_up(&self, servers: &[IceServer]) {
        self.names.look_up(servers).await;
    }
}

impl Runtime for HostRuntime {
    fn spawn(&self, future: Boxed<'static, ()>) -> Box<dyn JoinHandle> {
        self.tokio.spawn(future)
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let socket = self.tokio.wrap_udp_socket(socket)?;
        Ok(Arc::new(CableSocket::new(socket, self.chaos.clone())))
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
        self.tokio.sleep(duration)
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
