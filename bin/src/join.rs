//! `rejoin join`: sends lines of stdin to the peers and prints their data, until it is interrupted.

mod hints;
pub(crate) mod printer;
mod stdin;

use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use rejoin::{Event, Payload, Recipient};
use rejoin::{Events, Handle, SendError};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::cli::JoinArgs;
use crate::endpoint::Endpoint;
use crate::failure::Failure;
use crate::health::Health;
use crate::history::Recorder;
use crate::interrupts::Interrupts;
use crate::output::{Format, accepted_line, data_line, event_line};
use crate::service_manager;
use crate::session::PreparedSession;
use crate::social_stream::ViewScope;
use crate::social_stream::incoming::{IncomingChat, Message};
use crate::social_stream::outgoing::OutgoingChat;
use hints::Hints;
use printer::Printer;
use stdin::Outgoing;

/// Runs the session until it is interrupted.
pub(crate) async fn run(mut args: JoinArgs) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen().context("signals cannot be listened to")?;
    let scope = ViewScope::resolve(&args.social_stream, &mut args.connection).map_err(Failure::Usage)?;
    let prepared = PreparedSession::new(&args.connection, &args.config).await.map_err(Failure::Usage)?;
    let mut prepared = scope.apply(prepared);
    if !prepared.has_ice_server {
        tracing::warn!(
            "no STUN or TURN server is configured, so only peers that reach this machine's own addresses \
             can connect; add --ice-server stun:HOST:PORT for others"
        );
    }
    let (views, recorder) = (prepared.views.clone(), prepared.recorder.take());
    let (is_durable, has_known_peers) = (prepared.is_durable, prepared.has_known_peers);
    // The recorder must be installed before the session starts to count.
    let endpoint = Endpoint::open(args.metrics).await.map_err(Failure::Usage)?;
    let (session, _) = prepared.start().map_err(Failure::Usage)?;
    let (handle, events) = session.split();
    tokio::spawn(endpoint.serve(Health::Session(events.links())));
    tokio::spawn(service_manager::notify_session(events.links()));

    let printer = Printer::start(handle.clone());
    let (connected, is_connected) = watch::channel(has_known_peers);
    let (end, ending) = watch::channel(false);
    let output = Output {
        events: args.events,
        format: args.format,
        chat: scope.incoming(),
        is_durable,
        printer: printer.clone(),
        connected,
        recorder,
    };
    let mut writing = tokio::spawn(output.run(events, Hints::new(views), ending));
    let acceptance = (is_durable && args.events).then(|| printer.clone());
    let input = InputForwarder { chat: scope.outgoing(), handle: handle.clone(), acceptance };
    tokio::spawn(input.run(stdin::lines(args.format), is_connected));

    let ended = tokio::select! {
        () = interrupts.next() => None,
        () = printer.closed() => None,
        ended = &mut writing => Some(ended),
    };
    interrupts.exit_at_next();
    service_manager::stopping();
    if ended.is_none() && is_durable {
        // Confirms what is printed while the session still runs; the rest arrives again after a restart.
        end.send_replace(true);
        let _ = timeout(OUTPUT_GRACE, end.closed()).await;
    }
    handle.leave().await;
    match ended {
        None => {
            // A reader that has stopped must not delay the end.
            let written = async {
                let _ = writing.await;
                printer.finish().await;
            };
            let _ = timeout(OUTPUT_GRACE, written).await;
            Ok(())
        }
        Some(_) => Err(Failure::Run(anyhow!(
            "the session ended by itself; run it again with --log debug to see why"
        ))),
    }
}

/// The time that the reader of stdout gets for the remaining lines.
const OUTPUT_GRACE: Duration = Duration::from_millis(500);

/// Writes events and data to stdout.
struct Output {
    events: bool,
    format: Format,
    chat: Option<IncomingChat>,
    is_durable: bool,
    printer: Printer,
    connected: watch::Sender<bool>,
    recorder: Option<Recorder>,
}

impl Output {
    /// Prints events and data until the session ends; it waits for a slow reader while the session continues.
    async fn run(mut self, mut events: Events, mut hints: Hints, ending: Ending) {
        let mut ending = Some(ending);
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                () = hints.missing_streams() => continue,
                () = begins(&mut ending) => {
                    self.printer.sync().await;
                    // Dropping it ends the wait in `run` above.
                    ending = None;
                    continue;
                }
            };
            let Some(event) = event else { break };
            if let Some(recorder) = &mut self.recorder {
                recorder.on_event(&event);
            }
            if let Event::Connected(_) = &event {
                self.connected.send_replace(true);
            }
            hints.on_event(&event);
            let line = self.line(&event);
            match event {
                Event::Received { from, position: Some(position), .. } if self.is_durable => {
                    if ending.is_some() {
                        self.printer.print_message(line, (from.key, position)).await;
                    }
                }
                _ => {
                    if let Some(line) = line {
                        self.printer.print(line).await;
                    }
                }
            }
        }
        if let Some(recorder) = self.recorder {
            recorder.finish().await;
        }
    }

    /// Returns the line for an event, if it has one; a copy of chat has none.
    fn line(&mut self, event: &Event) -> Option<String> {
        let Event::Received { from, payload, position } = event else {
            return self.events.then(|| event_line(event));
        };
        let class = self.chat.as_mut().map(|chat| chat.classify(payload, Instant::now()));
        match (class, self.format) {
            (Some(Message::Copy), _) => None,
            (Some(Message::Chat(_) | Message::Control) | None, _) if self.events => Some(event_line(event)),
            (Some(Message::Chat(line)), Format::Raw) => Some(line),
            (Some(Message::Control), Format::Raw) => None,
            (Some(Message::Chat(_) | Message::Control), Format::Jsonl) | (None, _) => {
                Some(data_line(self.format, from, payload, *position))
            }
        }
    }
}

/// Becomes true when the program ends; its receiver is dropped when the last data is written.
type Ending = watch::Receiver<bool>;

/// Waits until the program ends.
async fn begins(ending: &mut Option<Ending>) {
    let begun = match ending {
        Some(ending) => ending.wait_for(|ends| *ends).await.is_ok(),
        None => false,
    };
    if !begun {
        std::future::pending().await
    }
}

/// Sends lines of stdin to the peers.
struct InputForwarder {
    chat: Option<OutgoingChat>,
    handle: Handle,
    /// Prints which lines are accepted, if that is requested.
    acceptance: Option<Printer>,
}

impl InputForwarder {
    /// Sends lines, as chat in a session with chat, after the first peer has connected.
    async fn run(
        mut self,
        mut messages: mpsc::Receiver<(u64, Outgoing)>,
        mut connected: watch::Receiver<bool>,
    ) {
        if connected.wait_for(|connected| *connected).await.is_err() {
            return;
        }
        while let Some((line, Outgoing { to, json })) = messages.recv().await {
            let (everyone, json) = match &mut self.chat {
                None => (Recipient::Everyone, json),
                Some(chat) => match chat.encode(&json) {
                    Ok(json) => (chat.recipients(), json),
                    Err(problem) => {
                        tracing::warn!("a line of stdin was not sent: {problem:#}");
                        continue;
                    }
                },
            };
            let to = to.map_or(everyone, Recipient::Named);
            match self.handle.send(to, Payload(json.into())).await {
                Ok(()) => {}
                Err(SendError::Closed(_)) => return,
                // The following messages can still be sent.
                Err(refused) => {
                    tracing::warn!("a line of stdin was not sent: {refused}");
                    continue;
                }
            }
            if let Some(printer) = &self.acceptance {
                printer.print(accepted_line(line)).await;
            }
        }
    }
}
