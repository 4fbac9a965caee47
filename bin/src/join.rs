//! `rejoin join`: lines in, lines out, for as long as somebody wants it.

mod lines;
mod news;
pub(crate) mod printer;

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use rejoin_core::{Event, Payload, Recipient};
use rejoin_driver::{Events, Handle};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::cli::JoinArgs;
use crate::endpoint::Endpoint;
use crate::failure::Failure;
use crate::health::Health;
use crate::interrupts::Interrupts;
use crate::output::{Format, data_line, event_line};
use crate::service_manager;
use crate::session::Plan;
use lines::Outgoing;
use news::News;
use printer::Printer;

/// Joins and stays until somebody asks for the end.
pub(crate) async fn run(args: JoinArgs) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen().context("signals cannot be listened to")?;
    let plan = Plan::new(&args.connection, &args.choice).map_err(Failure::Usage)?;
    if !plan.has_ice_server {
        tracing::warn!(
            "no STUN or TURN server is configured, so only peers in reach of this machine's own addresses \
             can connect; add --ice-server stun:HOST:PORT for others"
        );
    }
    let views = plan.views.clone();
    // Before the session, whose metrics count from its first moment on.
    let endpoint = Endpoint::open(args.metrics).await.map_err(Failure::Usage)?;
    let (session, _) = plan.start().map_err(Failure::Usage)?;
    let (handle, events) = session.split();
    tokio::spawn(endpoint.serve(Health::Session(events.links())));
    tokio::spawn(service_manager::attend(events.links()));

    let printer = Printer::start();
    let (connected, is_connected) = watch::channel(false);
    let page = Page { events: args.events, format: args.format, printer: printer.clone(), connected };
    let mut telling = tokio::spawn(page.tell(events, News::new(views)));
    tokio::spawn(deliver(lines::from_stdin(args.format), is_connected, handle.clone()));

    let ended = tokio::select! {
        () = interrupts.next() => None,
        () = printer.broken() => None,
        ended = &mut telling => Some(ended),
    };
    interrupts.end_at_the_next();
    service_manager::stopping();
    handle.leave().await;
    match ended {
        None => {
            // What is told by then is told; a reader that has stopped does not hold up the end.
            let told = async {
                let _ = telling.await;
                printer.finish().await;
            };
            let _ = timeout(LAST_WORDS, told).await;
            Ok(())
        }
        Some(_) => Err(Failure::Run(anyhow!(
            "the session ended by itself; run it again with RUST_LOG=debug to see why"
        ))),
    }
}

/// How long the reader of stdout may take for what is left.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What is written where.
struct Page {
    events: bool,
    format: Format,
    printer: Printer,
    connected: watch::Sender<bool>,
}

impl Page {
    /// Tells everything that happens; a slow reader is waited for, and the session goes on meanwhile.
    async fn tell(self, mut events: Events, mut news: News) {
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                () = news.patience_ends() => continue,
            };
            let Some(event) = event else { return };
            if let Event::Connected(_) = &event {
                self.connected.send_replace(true);
            }
            news.tell(&event);
            let line = match &event {
                _ if self.events => Some(event_line(&event)),
                Event::Received { from, payload } => Some(data_line(self.format, from, payload)),
                _ => None,
            };
            if let Some(line) = line {
                self.printer.print(line).await;
            }
        }
    }
}

/// Sends what stdin says, from the first connection on.
async fn deliver(
    mut messages: mpsc::Receiver<Outgoing>,
    mut connected: watch::Receiver<bool>,
    handle: Handle,
) {
    if connected.wait_for(|connected| *connected).await.is_err() {
        return;
    }
    while let Some(Outgoing { to, json }) = messages.recv().await {
        let to = to.map_or(Recipient::Everyone, Recipient::Named);
        if handle.send(to, Payload(json.into())).await.is_err() {
            return;
        }
    }
}
