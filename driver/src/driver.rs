//! Carries inputs and outputs between the machine, the ports and the application, under one timer.

use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::task::coop::consume_budget;
use tokio::time::{Instant, sleep_until};

use rejoin_core::output::Warning;
use rejoin_core::port::{PeerEvent, StoreError};
use rejoin_core::{
    Command, Event, Generation, Input, NetworkMonitor, NetworkSnapshot, Output, Payload, PeerKey,
    PeerTransport, Recipient, SignalingTransport, Supervisor,
};

use crate::clock::SleepWatch;
use crate::entrance::{Exit, Order};
use crate::events::EventSender;
use crate::journal::Journal;
use crate::postbox::Postbox;
use crate::store::Keeper;
use crate::telemetry::{self, Meters};

/// The doors of a [`Supervisor`]; a test puts a script behind them.
pub(crate) trait Machine {
    /// Tells what happened, and when.
    fn handle_input(&mut self, input: Input, now: std::time::Instant);
    /// Returns the next thing to do, until `None`.
    fn poll_output(&mut self) -> Option<Output>;
    /// Returns when [`Input::Timeout`] is wanted.
    fn next_timeout(&self) -> Option<std::time::Instant>;
    /// Returns whether another message is welcome.
    fn has_room(&self) -> bool;
    /// Returns a peer for which a message would be refused.
    fn refuses(&self, to: &Recipient, payload: &Payload) -> Option<PeerKey>;
}

impl Machine for Supervisor {
    fn handle_input(&mut self, input: Input, now: std::time::Instant) {
        Supervisor::handle_input(self, input, now);
    }

    fn poll_output(&mut self) -> Option<Output> {
        Supervisor::poll_output(self)
    }

    fn next_timeout(&self) -> Option<std::time::Instant> {
        Supervisor::next_timeout(self).map(|(at, _)| at)
    }

    fn has_room(&self) -> bool {
        Supervisor::has_room(self)
    }

    fn refuses(&self, to: &Recipient, payload: &Payload) -> Option<PeerKey> {
        Supervisor::refuses(self, to, payload)
    }
}

/// What the driver carries inputs from and outputs to.
pub(crate) struct Ports {
    /// The socket.
    pub(crate) signaling: Box<dyn SignalingTransport>,
    /// The peer connections.
    pub(crate) peers: Box<dyn PeerTransport>,
    /// The host's network, if somebody watches it.
    pub(crate) network: Option<Box<dyn NetworkMonitor>>,
    /// The store.
    pub(crate) keeper: Keeper,
    /// The mail store, if there is one.
    pub(crate) postbox: Postbox,
    /// The host's clocks.
    pub(crate) sleep_watch: SleepWatch,
}

/// The application's ends of a session.
pub(crate) struct Ends {
    /// What it wants.
    pub(crate) exit: Exit,
    /// What it is told.
    pub(crate) events: EventSender,
}

/// One running session.
pub(crate) struct Driver<M> {
    machine: M,
    ports: Ports,
    ends: Ends,
    stage: Stage,
    /// Whether the application knows that another message is welcome.
    has_room: bool,
    meters: Meters,
    journal: Journal,
}

/// How far a session has come.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// It does as the application says.
    Running,
    /// It says goodbye; commands are no longer read.
    Leaving { until: Instant },
    /// Goodbye is said and on its way.
    Left { until: Instant },
}

impl Stage {
    fn obeys(self) -> bool {
        match self {
            Self::Running => true,
            Self::Leaving { .. } | Self::Left { .. } => false,
        }
    }
}

/// What woke the driver up.
enum Wake {
    Input(Input),
    Peer((Generation, PeerEvent)),
    Order(Option<Order>),
    StoreFailed(StoreError),
    Timer,
}

/// What peers tell in one turn at the most: enough to make the turn itself cheap, and a moment for whatever else waits.
const MOST_AT_ONCE: usize = 64;
/// Sleep of the host is noticed at every wake-up, and there is one at least this often.
const LONGEST_NAP: Duration = Duration::from_secs(5);
/// The timer's own grain: a machine that keeps asking for the past costs a thousand turns a second, not a core.
const SHORTEST_NAP: Duration = Duration::from_millis(1);
/// How long the machine may take to leave; with the next two, leaving takes two seconds at most.
const LEAVE_LIMIT: Duration = Duration::from_millis(1500);
/// How long the transports live on after that, so that their goodbyes leave the host.
const LINGER: Duration = Duration::from_millis(250);
/// How long the last record may take to be stored.
const SAVE_LIMIT: Duration = Duration::from_millis(250);

impl<M: Machine> Driver<M> {
    /// Creates a driver that has not begun.
    pub(crate) fn new(machine: M, ports: Ports, ends: Ends) -> Self {
        let (meters, journal) = (Meters::default(), Journal::default());
        Self { machine, ports, ends, stage: Stage::Running, has_room: true, meters, journal }
    }

    /// Makes `wishes` and carries until the session is over.
    pub(crate) async fn run(mut self, wishes: impl Iterator<Item = Command>) {
        for wish in wishes {
            self.tell_machine(Input::Command(wish));
        }
        let mut timer = pin!(sleep_until(Instant::now()));
        while let Some(nap) = self.next_nap() {
            self.ends.events.hand_over();
            // A flood of events must not starve the application's own tasks.
            consume_budget().await;
            self.ends.events.beat();
            timer.as_mut().reset(nap);
            let wake = tokio::select! {
                order = self.ends.exit.orders.recv(), if self.stage.obeys() => Wake::Order(order),
                told = self.ports.signaling.next_event() => Wake::Input(Input::Signaling(told.0, told.1)),
                told = self.ports.peers.next_event() => Wake::Peer(told),
                snapshot = next_snapshot(&mut self.ports.network) => Wake::Input(Input::Network(snapshot)),
                Some(failure) = self.ports.keeper.next_failure() => Wake::StoreFailed(failure),
                () = timer.as_mut() => Wake::Timer,
            };
            self.wake_up(wake);
        }
        self.end().await;
    }

    /// Sends `event` to the application, the log and the meters.
    pub(crate) fn tell_application(&mut self, event: Event) {
        match (&event, self.stage) {
            // A machine that leaves after the limit says what the application already heard.
            (Event::Left, Stage::Left { .. }) => return,
            (Event::Left, Stage::Running | Stage::Leaving { .. }) => {
                self.stage = Stage::Left { until: Instant::now() + LINGER };
            }
            _ => {}
        }
        self.meters.count(&event);
        self.journal.write(&event);
        self.ends.events.gather(event);
    }

    fn wake_up(&mut self, wake: Wake) {
        if let Some(gap) = self.ports.sleep_watch.look() {
            tracing::info!(?gap, "the host slept");
            telemetry::suspended();
            self.tell_machine(Input::Suspended(gap));
        }
        for order in self.ports.postbox.catch_up() {
            self.obey(order);
        }
        match wake {
            Wake::Input(input) => self.tell_machine(input),
            Wake::Peer(told) => self.hear(told),
            Wake::Order(Some(order)) => {
                self.obey(order);
                self.obey_the_rest();
            }
            Wake::Order(None) => self.leave(),
            Wake::StoreFailed(StoreError(reason)) => {
                self.tell_application(Event::Warning(Warning::StoreFailed { reason }));
            }
            Wake::Timer => {}
        }
        // Looked at after every single input, so that no flood of them can hold up a deadline.
        if self.is_due() {
            self.tell_machine(Input::Timeout);
        }
    }

    fn is_due(&self) -> bool {
        self.machine.next_timeout().is_some_and(|at| at <= Instant::now().into_std())
    }

    /// Hears what a peer tells and what waits behind it, which costs no turn of its own then.
    fn hear(&mut self, first: (Generation, PeerEvent)) {
        let (mut next, mut left) = (Some(first), MOST_AT_ONCE);
        while let Some((generation, event)) = next {
            self.tell_machine(Input::Peer(generation, event));
            left -= 1;
            let goes_on = left > 0 && !self.is_due();
            next = if goes_on { self.ports.peers.next_event().now_or_never() } else { None };
        }
    }

    /// Obeys a command; what its message took of the way in is free when the machine has it.
    fn obey(&mut self, order: Order) {
        match order.command {
            Command::Leave => return self.leave(),
            Command::Send { .. } if self.ports.postbox.is_behind() => return self.ports.postbox.hold(order),
            _ => {}
        }
        let Order { command, receipt, .. } = order;
        let refused = match &command {
            Command::Send { to, payload } => self.machine.refuses(to, payload),
            _ => None,
        };
        match (refused, receipt) {
            // whoever no longer waits for it does not mind
            (Some(peer), Some(receipt)) => drop(receipt.send(Err(peer))),
            (None, Some(receipt)) => {
                self.tell_machine(Input::Command(command));
                self.ports.postbox.promise(receipt);
            }
            // where nobody waits, the machine tells what it does not keep
            (Some(_) | None, None) => self.tell_machine(Input::Command(command)),
        }
    }

    /// Obeys what waits behind an order, which costs no turn of its own then.
    fn obey_the_rest(&mut self) {
        for _ in 0..self.ends.exit.orders.len() {
            if !self.stage.obeys() {
                return;
            }
            let Ok(order) = self.ends.exit.orders.try_recv() else { return };
            self.obey(order);
        }
    }

    /// Begins to leave; commands that still wait are refused.
    fn leave(&mut self) {
        self.stage = Stage::Leaving { until: Instant::now() + LEAVE_LIMIT };
        self.ends.exit.orders.close();
        while self.ends.exit.orders.try_recv().is_ok() {}
        self.tell_machine(Input::Command(Command::Leave));
    }

    fn tell_machine(&mut self, input: Input) {
        if let Input::Peer(_, PeerEvent::Unsent { message, .. }) = &input {
            telemetry::returned(message);
        }
        if let Input::Command(command) = &input {
            self.ends.events.wish(command);
        }
        self.machine.handle_input(input, Instant::now().into_std());
        let (mut changes, mut outputs) = (Vec::new(), Vec::new());
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Keep(change) => changes.push(change),
                output => outputs.push(output),
            }
        }
        // before anything of it leaves the process
        if let Err(StoreError(reason)) = self.ports.postbox.keep(changes) {
            self.tell_application(Event::Warning(Warning::StoreFailed { reason }));
        }
        for output in outputs {
            self.perform(output);
        }
        let room = self.machine.has_room();
        if std::mem::replace(&mut self.has_room, room) != room {
            self.ends.exit.room.send_replace(room);
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Signaling(generation, action) => self.ports.signaling.perform(generation, action),
            Output::Peer(generation, action) => {
                telemetry::peer_action(&action);
                self.ports.peers.perform(generation, action);
            }
            Output::Persist(record) => self.ports.keeper.keep(record),
            // stored before anything is performed
            Output::Keep(_) => {}
            Output::Event(event) => self.tell_application(event),
        }
    }

    /// Returns until when to wait for a wake-up, or `None` if the session is over.
    fn next_nap(&mut self) -> Option<Instant> {
        let now = Instant::now();
        let end = match self.stage {
            Stage::Running => None,
            Stage::Leaving { until } if until <= now => {
                tracing::warn!(limit = ?LEAVE_LIMIT, "goodbye took too long, closing without it");
                self.tell_application(Event::Left);
                Some(now + LINGER)
            }
            Stage::Left { until } if until <= now => return None,
            Stage::Leaving { until } | Stage::Left { until } => Some(until),
        };
        let deadline = self.machine.next_timeout().map(|at| Instant::from_std(at).max(now + SHORTEST_NAP));
        [end, deadline].into_iter().flatten().chain([now + LONGEST_NAP]).min()
    }

    async fn end(mut self) {
        self.ends.events.hand_over();
        let Ports { signaling, peers, network, keeper, postbox, .. } = self.ports;
        drop((signaling, peers, network, postbox));
        if !keeper.finish(SAVE_LIMIT).await {
            tracing::warn!(limit = ?SAVE_LIMIT, "the last state is not stored, the store is too slow");
        }
        let Ends { exit, events } = self.ends;
        drop(events);
        drop(exit);
    }
}

async fn next_snapshot(network: &mut Option<Box<dyn NetworkMonitor>>) -> NetworkSnapshot {
    match network {
        Some(network) => network.next_snapshot().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
pub(crate) mod fakes;
#[cfg(test)]
mod stored;
#[cfg(test)]
mod tests;
