//! `rejoin serve`: the embedded signaling server as a process of its own.

use std::io::{self, Read as _, Write as _};

use anyhow::{Context as _, Result};
use rejoin_signaling_server::{Dialect, Options, Server, Tls};
use tokio::sync::{oneshot, watch};

use crate::cli::{DialectName, ServeArgs};
use crate::endpoint::Endpoint;
use crate::failure::Failure;
use crate::health::Health;
use crate::interrupts::Interrupts;
use crate::service_manager;

/// Serves until somebody asks for the end.
pub(crate) async fn run(args: ServeArgs) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen().context("signals cannot be listened to")?;
    let tls = tls(&args).map_err(Failure::Usage)?;
    let endpoint = Endpoint::open(args.metrics).await.map_err(Failure::Usage)?;
    rejoin_signaling_server::metrics::describe();
    let (scheme, server) = match tls {
        None => ("ws", bind(&args).await?),
        Some(tls) => ("wss", bind(&args).await?.tls(tls)),
    };
    announce(&format!("{scheme}://{}", server.local_addr()));
    let (accepting, accepts) = watch::channel(());
    tokio::spawn(endpoint.serve(Health::Server(accepts)));
    service_manager::ready();
    let stdin_closed = args.until_stdin_closes.then(stdin_closed);
    server
        .serve(async {
            tokio::select! {
                () = interrupts.next() => {}
                () = orphaned(stdin_closed) => {}
                // Here it is the accept loop that has to turn for it.
                () = service_manager::feed_watchdog(|| true) => {}
            }
            drop(accepting);
            service_manager::stopping();
            interrupts.end_at_the_next();
        })
        .await;
    Ok(())
}

async fn bind(args: &ServeArgs) -> Result<Server> {
    let dialect = match args.dialect {
        DialectName::Hosted => Dialect::Hosted,
        DialectName::SelfHost => Dialect::SelfHost,
    };
    Server::bind(args.listen, Options { dialect, ..Options::default() })
        .await
        .with_context(|| format!("the server cannot start on {}", args.listen))
}

fn tls(args: &ServeArgs) -> Result<Option<Tls>> {
    let (Some(certificate), Some(key)) = (&args.tls_cert, &args.tls_key) else { return Ok(None) };
    let tls = Tls::from_pem_files(certificate, key);
    tls.map(Some).context("--tls-cert and --tls-key cannot be used")
}

/// Prints where clients find the server; one who does not want to know it is no reason not to serve.
fn announce(address: &str) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{address}").and_then(|()| stdout.flush());
}

/// Returns what resolves when stdin has closed.
fn stdin_closed() -> oneshot::Receiver<()> {
    let (closed, is_closed) = oneshot::channel();
    // A thread of its own, which no runtime waits for at its end.
    std::thread::spawn(move || {
        let mut scratch = [0; 256];
        while matches!(io::stdin().lock().read(&mut scratch), Ok(1..)) {}
        let _ = closed.send(());
    });
    is_closed
}

async fn orphaned(stdin_closed: Option<oneshot::Receiver<()>>) {
    match stdin_closed {
        Some(closed) => {
            let _ = closed.await;
        }
        None => std::future::pending().await,
    }
}
