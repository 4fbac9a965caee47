//! `rejoin serve`: runs the embedded signaling server.

use std::io::{self, Read as _, Write as _};

use anyhow::{Context as _, Result};
use rejoin_signaling_server::{Dialect, Options, Server, Tls};
use tokio::sync::{oneshot, watch};

use crate::cli::{connection::DialectName, serve::ServeArgs};
use crate::endpoint::Endpoint;
use crate::failure::Failure;
use crate::health::Health;
use crate::interrupts::Interrupts;
use crate::service_manager;

/// Serves until it is interrupted, or stdin closes if that is requested.
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
                () = closed(stdin_closed) => {}
                // The watchdog stays alive while this task, which accepts connections, runs.
                () = service_manager::feed_watchdog(|| true) => {}
            }
            drop(accepting);
            service_manager::stopping();
            interrupts.exit_at_next();
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

/// Prints the URL of the server; a closed stdout does not end the server.
fn announce(address: &str) {
    let mut stdout = io::stdout().lock();
    let _ = writeln!(stdout, "{address}").and_then(|()| stdout.flush());
}

/// Returns a future that resolves when stdin has closed.
fn stdin_closed() -> oneshot::Receiver<()> {
    let (closed, is_closed) = oneshot::channel();
    // A runtime waits for its blocking reads when it shuts down, but not for this thread.
    std::thread::spawn(move || {
        let mut scratch = [0; 256];
        while matches!(io::stdin().lock().read(&mut scratch), Ok(1..)) {}
        let _ = closed.send(());
    });
    is_closed
}

async fn closed(stdin_closed: Option<oneshot::Receiver<()>>) {
    match stdin_closed {
        Some(closed) => {
            let _ = closed.await;
        }
        None => std::future::pending().await,
    }
}
