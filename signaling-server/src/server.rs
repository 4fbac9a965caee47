//! The accept loop, and how it ends.

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

/// Connections that may be busy with their upgrade; more of them wait in the kernel's queue.
const LOBBY: usize = 1024;
/// How long to wait when the process has no file descriptor left; sockets end every second.
const BREATHER: Duration = Duration::from_millis(100);

/// Listens for VDO.Ninja-compatible clients.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    local_addr: SocketAddr,
    exchange: Arc<Hub>,
    tls: Option<Tls>,
}

impl Server {
    /// Binds an address; port 0 lets the system choose.
    pub async fn bind(addr: impl ToSocketAddrs, options: Options) -> Result<Self, ServerError> {
        options.validate()?;
        let listener = TcpListener::bind(addr).await.map_err(ServerError::Bind)?;
        let local_addr = listener.local_addr().map_err(ServerError::Bind)?;
        Ok(Self { listener, local_addr, exchange: Arc::new(Hub::new(options)), tls: None })
    }

    /// Speaks TLS with every client, so that the server is reached as `wss://`.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Returns the address that clients reach.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `shutdown` resolves, then closes every socket with 1001.
    ///
    /// It returns when all are gone, at the latest after [`Options::shutdown_timeout`].
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let Self { listener, local_addr, exchange, tls } = self;
        info!(%local_addr, tls = tls.is_some(), "signaling server listens");
        let (closing, closed) = watch::channel(false);
        let lobby = Arc::new(Semaphore::new(LOBBY));
        let mut tasks = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let accepted = async {
                let place = Arc::clone(&lobby).acquire_owned().await;
                (place, listener.accept().await)
            };
            let (place, accepted) = select! {
                accepted = accepted => accepted,
                () = &mut shutdown => break,
                Some(_) = tasks.join_next() => continue,
            };
            match accepted {
                Ok((stream, _)) => {
                    speed_up(&stream);
                    let (exchange, closed) = (Arc::clone(&exchange), closed.clone());
                    match tls.clone() {
                        None => tasks.spawn(serve_connection(ready(Ok(stream)), exchange, closed, place)),
                        Some(tls) => {
                            tasks.spawn(serve_connection(tls.accept(stream), exchange, closed, place))
                        }
                    };
                }
                Err(error) => {
                    warn!(%error, "cannot accept connections; raise the limit of open files if this goes on");
                    sleep(BREATHER).await;
                }
            }
        }
        drop(listener);
        closing.send_replace(true);
        let rest = async { while tasks.join_next().await.is_some() {} };
        if timeout(exchange.options.shutdown_timeout, rest).await.is_err() {
            warn!("some sockets did not close in time; dropped");
        }
        info!(%local_addr, "signaling server stopped");
    }

    /// Serves in a task of its own.
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

/// Holds a server that runs in its own task; dropping it stops the server without waiting.
#[derive(Debug)]
pub struct ServerHandle {
    local_addr: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl ServerHandle {
    /// Returns the address that clients reach.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Closes every socket with 1001 and waits for that, but no longer than [`Options::shutdown_timeout`].
    pub async fn shutdown(self) {
        let _ = self.stop.send(());
        // A server task cannot fail; if the runtime cancelled it, it is stopped as well.
        let _ = self.task.await;
    }
}

/// Handshakes are small frames that somebody waits for; without this, Nagle's algorithm may hold them back.
fn speed_up(stream: &TcpStream) {
    // A socket that is gone already cannot be made faster, and its task will notice.
    let _ = stream.set_nodelay(true);
}
