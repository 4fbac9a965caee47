//! `rejoin join`: lines in, lines out, for as long as somebody wants it.

mod lines;
mod news;
pub(crate) mod printer;

use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use rejoin_core::{Event, Payload, Recipient};
use rejoin_driver::{Events, Handle, SendError};
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
use crate::session::Plan;
use crate::social_stream::ViewAll;
use crate::social_stream::ear::{Ear, Heard};
use crate::social_stream::voice::Voice;
use lines::Outgoing;
use news::News;
use printer::Printer;

/// Joins and stays until somebody asks for the end.
pub(crate) async fn run(mut args: JoinArgs) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen().context("signals cannot be listened to")?;
    let audience = ViewAll::settle(&args.audience, &mut args.connection).map_err(Failure::Usage)?;
    let mut plan = audience.join(Plan::new(&args.connection, &args.choice).await.map_err(Failure::Usage)?);
    if !plan.has_ice_server {
        tracing::warn!(
            "no STUN or TURN server is configured, so only peers in reach of this machine's own addresses \
             can connect; add --ice-server stun:HOST:PORT for others"
        );
    }
    let (views, recorder) = (plan.views.clone(), plan.recorder.take());
    let (is_durable, remembers_peers) = (plan.is_durable, plan.remembers_peers);
    // Before the session, whose metrics count from its first moment on.
    let endpoint = Endpoint::open(args.metrics).await.map_err(Failure::Usage)?;
    let (session, _) = plan.start().map_err(Failure::Usage)?;
    let (handle, events) = session.split();
    tokio::spawn(endpoint.serve(Health::Session(events.links())));
    tokio::spawn(service_manager::attend(events.links()));

    let printer = Printer::start(handle.clone());
    let (connected, is_connected) = watch::channel(remembers_peers);
    let (events_wanted, format, ear) = (args.events, args.format, audience.ear());
    let (end, ending) = watch::channel(false);
    let page = Page {
        events: events_wanted,
        format,
        ear,
        is_durable,
        printer: printer.clone(),
        connected,
        recorder,
    };
    let mut telling = tokio::spawn(page.tell(events, News::new(views), ending));
    let acceptance = (is_durable && events_wanted).then(|| printer.clone());
    let delivery = Delivery { voice: audience.voice(), handle: handle.clone(), acceptance };
    tokio::spawn(delivery.run(lines::from_stdin(format), is_connected));

    let ended = tokio::select! {
        () = interrupts.next() => None,
        () = printer.broken() => None,
        ended = &mut telling => Some(ended),
    };
    interrupts.end_at_the_next();
    service_manager::stopping();
    if ended.is_none() && is_durable {
        // what is printed is confirmed while the session can take that; what is not printed by then comes again
        end.send_replace(true);
        let _ = timeout(LAST_WORDS, end.closed()).await;
    }
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
            "the session ended by itself; run it again with --log debug to see why"
        ))),
    }
}

/// How long the reader of stdout may take for what is left.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What is written where.
struct Page {
    events: bool,
    format: Format,
    ear: Option<Ear>,
    is_durable: bool,
    printer: Printer,
    connected: watch::Sender<bool>,
    recorder: Option<Recorder>,
}

impl Page {
    /// Tells everything that happens; a slow reader is waited for, and the session goes on meanwhile.
    async fn tell(mut self, mut events: Events, mut news: News, ending: Ending) {
        let mut ending = Some(ending);
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                () = news.patience_ends() => continue,
                () = begins(&mut ending) => {
                    self.printer.settle().await;
                    // whoever waits for the end sees this
                    ending = None;
                    continue;
                }
            };
            let Some(event) = event else { break };
            if let Some(recorder) = &mut self.recorder {
                recorder.note(&event);
            }
            if let Event::Connected(_) = &event {
                self.connected.send_replace(true);
            }
            news.tell(&event);
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

    /// Returns the line for an event, if it gets one; a copy of chat gets none.
    fn line(&mut self, event: &Event) -> Option<String> {
        let Event::Received { from, payload, position } = event else {
            return self.events.then(|| event_line(event));
        };
        let heard = self.ear.as_mut().map(|ear| ear.hear(payload, Instant::now()));
        match (heard, self.format) {
            (Some(Heard::Again), _) => None,
            (Some(Heard::Chat(_) | Heard::Control) | None, _) if self.events => Some(event_line(event)),
            (Some(Heard::Chat(line)), Format::Raw) => Some(line),
            (Some(Heard::Control), Format::Raw) => None,
            (Some(Heard::Chat(_) | Heard::Control), Format::Jsonl) | (None, _) => {
                Some(data_line(self.format, from, payload, *position))
            }
        }
    }
}

/// Closed by whoever has written its last data.
type Ending = watch::Receiver<bool>;

/// Waits for the end, which comes once.
async fn begins(ending: &mut Option<Ending>) {
    let begun = match ending {
        Some(ending) => ending.wait_for(|ends| *ends).await.is_ok(),
        None => false,
    };
    if !begun {
        std::future::pending().await
    }
}

/// The way from stdin to the peers.
struct Delivery {
    voice: Option<Voice>,
    handle: Handle,
    /// Where is told which lines are taken, if somebody wants to know.
    acceptance: Option<Printer>,
}

impl Delivery {
    /// Sends what stdin says, as chat if there is a voice for it, as soon as there is somebody to send it to.
    async fn run(
        mut self,
        mut messages: mpsc::Receiver<(u64, Outgoing)>,
        mut connected: watch::Receiver<bool>,
    ) {
        if connected.wait_for(|connected| *connected).await.is_err() {
            return;
        }
        while let Some((line, Outgoing { to, json })) = messages.recv().await {
            let (everyone, json) = match &mut self.voice {
                None => (Recipient::Everyone, json),
                Some(voice) => match voice.say(&json) {
                    Ok(json) => (voice.listeners(), json),
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
                // one message less is better than none from here on
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
