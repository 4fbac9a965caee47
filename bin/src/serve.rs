//! `rejoin serve`: the embedded signaling server as a process of its own.

use std::io::{self, Read as _, Write as _};

use anyhow::{Context as _, Result};
use rejoin_handshake::{Dialect, Options, Server};
use tokio::sync::oneshot;

use crate::cli::{DialectName, ServeArgs};
use crate::interrupts::Interrupts;

/// Serves until somebody asks for the end.
pub(crate) async fn run(args: ServeArgs) -> Result<()> {
    let mut interrupts = Interrupts::listen().context("signals cannot be listened to")?;
    let dialect = match args.dialect {
        DialectName::Hosted => Dialect::Hosted,
        DialectName::SelfHost => Dialect::SelfHost,
    };
    let server = Server::bind(args.listen, Options { dialect, ..Options::default() })
        .await
        .with_context(|| format!("the server cannot start on {}", args.listen))?;
    announce(&format!("ws://{}", server.local_addr()));
    let stdin_closed = args.until_stdin_closes.then(stdin_closed);
    server
        .serve(async {
            tokio::select! {
                () = interrupts.next() => {}
                () = orphaned(stdin_closed) => {}
            }
            interrupts.end_at_the_next();
        })
        .await;
    Ok(())
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
