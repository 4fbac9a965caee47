//! The accept loop and its shutdown.

use std::future::{Future, ready};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::select;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use crate::connection::serve_connection;
use crate::error::ServerError;
use crate::hub::Hub;
use crate::options::Options;
use crate::tls::Tls;

/// How many connections may be in their upgrade at once; more wait in the kernel's queue.
const UPGRADE_SLOTS: usize = 1024;
/// The delay before the next accept when the process has no file descriptor left.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// A signaling server that is bound to an address.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    local_addr: SocketAddr,
    hub: Arc<Hub>,
    tls: Option<Tls>,
}

impl Server {
    /// Binds an address; with port 0 the system chooses a port.
    ///
    /// Fails if an option is invalid or the address cannot be bound.
    pub async fn bind(addr: impl ToSocketAddrs, options: Options) -> Result<Self, ServerError> {
        options.validate()?;
        let listener = TcpListener::bind(addr).await.map_err(ServerError::Bind)?;
        let local_addr = listener.local_addr().map_err(ServerError::Bind)?;
        Ok(Self { listener, local_addr, hub: Arc::new(Hub::new(options)), tls: None })
    }

    /// Requires TLS of every client, which then connects with `wss://`.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Returns the address that the server listens on.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `shutdown` resolves, then closes every socket with 1001.
    ///
    /// Returns when all sockets are closed, at the latest after [`Options::shutdown_timeout`].
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, local_addr, hub, tls } = self;
        info!(%local_addr, tls = tls.is_some(), "signaling server listens");
        let (closing, closed) = watch::channel(false);
        let upgrade_slots = Arc::new(Semaphore::new(UPGRADE_SLOTS));
        let mut tasks = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let accepted = async {
                let slot = Arc::clone(&upgrade_slots).acquire_owned().await;
                (slot, listener.accept().await)
            };
            let (slot, accepted) = select! {
                accepted = accepted => accepted,
                () = &mut shutdown => break,
                Some(_) = tasks.join_next() => continue,
            };
            match accepted {
                Ok((stream, _)) => {
                    disable_nagle(&stream);
                    let (hub, closed) = (Arc::clone(&hub), closed.clone());
                    match tls.clone() {
                        None => tasks.spawn(serve_connection(ready(Ok(stream)), hub, closed, slot)),
                        Some(tls) => tasks.spawn(serve_connection(tls.accept(stream), hub, closed, slot)),
                    };
                }
                Err(error) => {
                    warn!(%error, "cannot accept connections; raise the limit of open files if this goes on");
                    sleep(ACCEPT_RETRY_DELAY).await;
                }
            }
        }
        drop(listener);
        closing.send_replace(true);
        let rest = async { while tasks.join_next().await.is_some() {} };
        if timeout(hub.options.shutdown_timeout, rest).await.is_err() {
            warn!("some sockets did not close in time; dropped");
        }
        info!(%local_addr, "signaling server stopped");
    }

    /// Serves in a new task.
    pub fn start(self) -> ServerHandle {
        let local_addr = self.local_addr;
        let (stop, stopped) = oneshot::channel::<()>();
        // A dropped handle stops the server as well.
        let task = tokio::spawn(self.serve(async {
            let _ = stopped.await;
        }));
        ServerHandle { local_addr, stop, task }
    }
}

/// A server that runs in its own task; dropping the handle stops the server without waiting.
#[derive(Debug)]
pub struct ServerHandle {
    local_addr: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl ServerHandle {
    /// Returns the address that the server listens on.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Closes every socket with 1001 and waits until they are closed, at most [`Options::shutdown_timeout`].
    pub async fn shutdown(self) {
        let _ = self.stop.send(());
        // The task cannot fail; if the runtime has cancelled it, the server has stopped as well.
        let _ = self.task.await;
    }
}

/// Disables Nagle's algorithm, which delays small frames.
fn disable_nagle(stream: &TcpStream) {
    // If the connection is lost already, its task will see that.
    let _ = stream.set_nodelay(true);
}
