//! The event loop: passes inputs and outputs between the machine, the ports and the application, with one timer.

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

use crate::command_queue::{CommandReceiver, QueuedCommand};
use crate::event_log::EventLog;
use crate::events::EventSender;
use crate::store::SessionSaver;
use crate::store_writer::DeliveryWriter;
use crate::suspend_detector::SuspendDetector;
use crate::telemetry::{self, SessionMetrics};

/// The interface of a [`Supervisor`], which tests implement with a script.
pub(crate) trait Machine {
    /// Handles an input that happened at `now`.
    fn handle_input(&mut self, input: Input, now: std::time::Instant);
    /// Returns the next output, or `None` if there is none.
    fn poll_output(&mut self) -> Option<Output>;
    /// Returns the time at which the machine wants [`Input::Timeout`].
    fn next_timeout(&self) -> Option<std::time::Instant>;
    /// Returns whether the machine accepts another message.
    fn can_accept(&self) -> bool;
    /// Returns a peer for which the machine would refuse this message.
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

    fn can_accept(&self) -> bool {
        Supervisor::can_accept(self)
    }

    fn refuses(&self, to: &Recipient, payload: &Payload) -> Option<PeerKey> {
        Supervisor::refuses(self, to, payload)
    }
}

/// The ports of a session.
pub(crate) struct Ports {
    /// The signaling transport.
    pub(crate) signaling: Box<dyn SignalingTransport>,
    /// The peer transport.
    pub(crate) peers: Box<dyn PeerTransport>,
    /// The monitor of the host's network, if there is one.
    pub(crate) network: Option<Box<dyn NetworkMonitor>>,
    /// The writer of the session record.
    pub(crate) session_saver: SessionSaver,
    /// The writer of the delivery state.
    pub(crate) delivery_writer: DeliveryWriter,
    /// The detector of a suspended host.
    pub(crate) suspend_detector: SuspendDetector,
}

/// The channels from and to the application.
pub(crate) struct AppChannels {
    /// Its commands.
    pub(crate) commands: CommandReceiver,
    /// Its events.
    pub(crate) events: EventSender,
}

/// One running session.
pub(crate) struct Driver<M> {
    machine: M,
    ports: Ports,
    app: AppChannels,
    state: RunState,
    /// What the application was last told about whether the machine accepts another message.
    can_accept: bool,
    metrics: SessionMetrics,
    event_log: EventLog,
}

/// Whether a session runs, leaves, or has left.
#[derive(Clone, Copy, Debug)]
enum RunState {
    /// It executes commands.
    Running,
    /// The machine closes its links; commands are not read.
    Leaving { until: Instant },
    /// The machine is done; the transports send their last packets.
    Left { until: Instant },
}

impl RunState {
    fn accepts_commands(self) -> bool {
        match self {
            Self::Running => true,
            Self::Leaving { .. } | Self::Left { .. } => false,
        }
    }
}

/// The reason of a turn of the loop.
enum Wakeup {
    Input(Input),
    Peer((Generation, PeerEvent)),
    Command(Option<QueuedCommand>),
    StoreFailed(StoreError),
    Timer,
}

/// Enough peer events to amortise the cost of a turn, few enough that other inputs do not wait long.
const MAX_PEER_EVENTS_PER_TURN: usize = 64;
/// Each turn checks for a suspended host, so there is a turn at least this often.
const MAX_SLEEP: Duration = Duration::from_secs(5);
/// The resolution of tokio's timer: a machine whose deadline stays in the past costs a thousand turns a second, not a core.
const MIN_SLEEP: Duration = Duration::from_millis(1);
/// The limit for the machine to leave; with the next two limits, leaving takes two seconds at most.
const LEAVE_TIMEOUT: Duration = Duration::from_millis(1500);
/// The time that the transports get after that to send their last packets.
const CLOSE_GRACE: Duration = Duration::from_millis(250);
/// The limit for storing the last record.
const SAVE_TIMEOUT: Duration = Duration::from_millis(250);

impl<M: Machine> Driver<M> {
    /// Creates a driver that does not run yet.
    pub(crate) fn new(machine: M, ports: Ports, app: AppChannels) -> Self {
        let (metrics, event_log) = (SessionMetrics::default(), EventLog::default());
        Self { machine, ports, app, state: RunState::Running, can_accept: true, metrics, event_log }
    }

    /// Executes `commands`, then runs until the session is over.
    pub(crate) async fn run(mut self, commands: impl Iterator<Item = Command>) {
        for command in commands {
            self.handle_input(Input::Command(command));
        }
        let mut timer = pin!(sleep_until(Instant::now()));
        while let Some(wakeup) = self.next_wakeup() {
            self.app.events.flush();
            // Many events in a row must not starve the application's own tasks.
            consume_budget().await;
            self.app.events.heartbeat();
            timer.as_mut().reset(wakeup);
            let reason = tokio::select! {
                command = self.app.commands.queue.recv(), if self.state.accepts_commands() => Wakeup::Command(command),
                (generation, event) = self.ports.signaling.next_event() =>
                    Wakeup::Input(Input::Signaling(generation, event)),
                event = self.ports.peers.next_event() => Wakeup::Peer(event),
                snapshot = next_snapshot(&mut self.ports.network) => Wakeup::Input(Input::Network(snapshot)),
                Some(failure) = self.ports.session_saver.next_failure() => Wakeup::StoreFailed(failure),
                () = timer.as_mut() => Wakeup::Timer,
            };
            self.turn(reason);
        }
        self.end().await;
    }

    /// Passes `event` to the application, the log and the metrics.
    pub(crate) fn emit(&mut self, event: Event) {
        match (&event, self.state) {
            // A machine that leaves after the limit repeats an event that the application already has.
            (Event::Left, RunState::Left { .. }) => return,
            (Event::Left, RunState::Running | RunState::Leaving { .. }) => {
                self.state = RunState::Left { until: Instant::now() + CLOSE_GRACE };
            }
            _ => {}
        }
        self.metrics.count(&event);
        self.event_log.write(&event);
        self.app.events.push(event);
    }

    fn turn(&mut self, reason: Wakeup) {
        if let Some(gap) = self.ports.suspend_detector.check() {
            tracing::info!(?gap, "the host was suspended");
            telemetry::suspended();
            self.handle_input(Input::Suspended(gap));
        }
        for message in self.ports.delivery_writer.retry() {
            self.execute(message);
        }
        match reason {
            Wakeup::Input(input) => self.handle_input(input),
            Wakeup::Peer(event) => self.handle_peer_events(event),
            Wakeup::Command(Some(command)) => {
                self.execute(command);
                self.execute_queued();
            }
            Wakeup::Command(None) => self.leave(),
            Wakeup::StoreFailed(StoreError(reason)) => {
                self.emit(Event::Warning(Warning::StoreFailed { reason }));
            }
            Wakeup::Timer => {}
        }
        // Checked after every input, so that many inputs in a row cannot delay a deadline.
        if self.is_due() {
            self.handle_input(Input::Timeout);
        }
    }

    fn is_due(&self) -> bool {
        self.machine.next_timeout().is_some_and(|at| at <= Instant::now().into_std())
    }

    /// Handles a peer event and those that wait behind it, which saves their turns.
    fn handle_peer_events(&mut self, first: (Generation, PeerEvent)) {
        let (mut next, mut remaining) = (Some(first), MAX_PEER_EVENTS_PER_TURN);
        while let Some((generation, event)) = next {
            self.handle_input(Input::Peer(generation, event));
            remaining -= 1;
            let continues = remaining > 0 && !self.is_due();
            next = if continues { self.ports.peers.next_event().now_or_never() } else { None };
        }
    }

    /// Executes a command; dropping it afterwards releases its share of the queue.
    fn execute(&mut self, queued: QueuedCommand) {
        match queued.command {
            Command::Leave => return self.leave(),
            Command::Send { .. } if self.ports.delivery_writer.is_behind() => {
                return self.ports.delivery_writer.hold(queued);
            }
            _ => {}
        }
        let QueuedCommand { command, completion, .. } = queued;
        let refused = match &command {
            Command::Send { to, payload } => self.machine.refuses(to, payload),
            _ => None,
        };
        match (refused, completion) {
            // The caller may have stopped waiting.
            (Some(peer), Some(completion)) => drop(completion.send(Err(peer))),
            (None, Some(completion)) => {
                self.handle_input(Input::Command(command));
                self.ports.delivery_writer.complete_when_stored(completion);
            }
            // If no caller waits, the machine reports a message that it drops as an event.
            (Some(_) | None, None) => self.handle_input(Input::Command(command)),
        }
    }

    /// Executes the commands that wait behind one, which saves their turns.
    fn execute_queued(&mut self) {
        for _ in 0..self.app.commands.queue.len() {
            if !self.state.accepts_commands() {
                return;
            }
            let Ok(command) = self.app.commands.queue.try_recv() else { return };
            self.execute(command);
        }
    }

    /// Begins to leave; commands that are still queued fail.
    fn leave(&mut self) {
        self.state = RunState::Leaving { until: Instant::now() + LEAVE_TIMEOUT };
        self.app.commands.queue.close();
        while self.app.commands.queue.try_recv().is_ok() {}
        self.handle_input(Input::Command(Command::Leave));
    }

    fn handle_input(&mut self, input: Input) {
        if let Input::Peer(_, PeerEvent::Unsent { message, .. }) = &input {
            telemetry::returned(message);
        }
        if let Input::Command(command) = &input {
            self.app.events.on_command(command);
        }
        self.machine.handle_input(input, Instant::now().into_std());
        let (mut changes, mut outputs) = (Vec::new(), Vec::new());
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::StoreDelivery(change) => changes.push(change),
                output => outputs.push(output),
            }
        }
        // Stored before any output of this input leaves the process.
        if let Err(StoreError(reason)) = self.ports.delivery_writer.store(changes) {
            self.emit(Event::Warning(Warning::StoreFailed { reason }));
        }
        for output in outputs {
            self.perform(output);
        }
        let can_accept = self.machine.can_accept();
        if std::mem::replace(&mut self.can_accept, can_accept) != can_accept {
            self.app.commands.can_accept.send_replace(can_accept);
        }
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Signaling(generation, action) => self.ports.signaling.perform(generation, action),
            Output::Peer(generation, action) => {
                telemetry::peer_action(&action);
                self.ports.peers.perform(generation, action);
            }
            Output::Persist(record) => self.ports.session_saver.save(record),
            // `handle_input` has stored it.
            Output::StoreDelivery(_) => {}
            Output::Event(event) => self.emit(event),
            unknown => tracing::error!(?unknown, "ignored an output of a newer core; update the driver"),
        }
    }

    /// Returns when the next turn is due at the latest, or `None` if the session is over.
    fn next_wakeup(&mut self) -> Option<Instant> {
        let now = Instant::now();
        let end = match self.state {
            RunState::Running => None,
            RunState::Leaving { until } if until <= now => {
                tracing::warn!(limit = ?LEAVE_TIMEOUT, "leaving took too long, closing without a goodbye");
                self.emit(Event::Left);
                Some(now + CLOSE_GRACE)
            }
            RunState::Left { until } if until <= now => return None,
            RunState::Leaving { until } | RunState::Left { until } => Some(until),
        };
        let deadline = self.machine.next_timeout().map(|at| Instant::from_std(at).max(now + MIN_SLEEP));
        [end, deadline].into_iter().flatten().chain([now + MAX_SLEEP]).min()
    }

    async fn end(mut self) {
        self.app.events.flush();
        let Ports { signaling, peers, network, session_saver, delivery_writer, .. } = self.ports;
        drop((signaling, peers, network, delivery_writer));
        if !session_saver.finish(SAVE_TIMEOUT).await {
            tracing::warn!(limit = ?SAVE_TIMEOUT, "the last session record is not stored, the store is too slow");
        }
        let AppChannels { commands, events } = self.app;
        drop(events);
        drop(commands);
    }
}

async fn next_snapshot(network: &mut Option<Box<dyn NetworkMonitor>>) -> NetworkSnapshot {
    match network {
        Some(network) => network.next_snapshot().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod durable;
#[cfg(test)]
pub(crate) mod fakes;
#[cfg(test)]
mod tests;
