//! `rejoin demo-peer`: one of the two peers, which obeys lines on stdin and reports lines on stdout.

use std::io::{self, BufRead as _};
use std::time::Duration;

use anyhow::Context as _;
use rejoin_core::{Event, Payload, Recipient};
use rejoin_driver::Session;
use rejoin_webrtc::FaultInjector;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::cast::Role;
use super::faults::Order;
use crate::cli::DemoPeerArgs;
use crate::failure::Failure;
use crate::join::printer::Printer;
use crate::output::event_line;
use crate::session::Plan;

/// How often a peer sends: a busy chat, and fine enough to see short gaps.
const PACE: Duration = Duration::from_millis(50);

/// A message of the demonstration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Numbered {
    /// Who sent it.
    pub(crate) sender: Role,
    /// Which process of that role.
    pub(crate) epoch: u32,
    /// Its number in that process, from 1.
    pub(crate) number: u64,
}

/// What a peer reports beside events.
#[derive(Serialize)]
struct Sent {
    event: &'static str,
    number: u64,
}

/// Plays the peer until its parent closes stdin.
pub(crate) async fn run(args: DemoPeerArgs) -> Result<(), Failure> {
    let plan = Plan::new(&args.connection, &args.choice).await.map_err(Failure::Usage)?;
    let (session, faults) = plan.seeded(args.seed).start().map_err(Failure::Usage)?;
    let message = Numbered { sender: args.role, epoch: args.epoch, number: 0 };
    let printer = Printer::start((*session).clone());
    let mut actor = Actor { session, faults, printer, message, sending: false };
    let mut orders = orders();
    let mut clock = interval(PACE);
    // A late message is late; two at once would hide that the machine was busy.
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(order) => actor.obey(order),
                None => break,
            },
            event = actor.session.next_event() => match event {
                Some(event) => actor.report(&event).await,
                None => break,
            },
            _ = clock.tick(), if actor.sending => actor.send().await?,
        }
    }
    actor.session.leave().await;
    Ok(())
}

struct Actor {
    session: Session,
    faults: FaultInjector,
    printer: Printer,
    message: Numbered,
    sending: bool,
}

impl Actor {
    fn obey(&mut self, order: Order) {
        match order {
            Order::Cut => self.faults.block_datagrams(),
            Order::Mend => self.faults.unblock_datagrams(),
            Order::CloseChannels => self.faults.close_channels(),
            Order::Quiet => self.sending = false,
        }
    }

    async fn report(&mut self, event: &Event) {
        if let Event::Connected(_) = event
            && self.message.number == 0
        {
            self.sending = true;
        }
        match event {
            Event::Received { from, position: Some(position), .. } => {
                self.printer.print_message(Some(event_line(event)), (from.key.clone(), *position)).await;
            }
            _ => self.printer.print(event_line(event)).await,
        }
    }

    async fn send(&mut self) -> anyhow::Result<()> {
        self.message.number += 1;
        let json = serde_json::to_string(&self.message)?;
        self.session.send(Recipient::Everyone, Payload(json.into())).await.context("the session is over")?;
        let sent = Sent { event: "sent", number: self.message.number };
        self.printer.print(serde_json::to_string(&sent)?).await;
        Ok(())
    }
}

/// Reads orders until stdin closes; a line that is none is left out.
fn orders() -> mpsc::Receiver<Order> {
    let (orders, waiting) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if let Ok(order) = serde_json::from_str(&line)
                && orders.blocking_send(order).is_err()
            {
                return;
            }
        }
    });
    waiting
}
