//! One socket: its task from dial to end, and the handle that the transport holds.

use std::sync::Arc;

use rejoin_core::Generation;
use rejoin_core::port::{Dialect, SignalingEvent};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

use crate::dial::{Call, dial};
use crate::options::WebSocketOptions;
use crate::pump::{Outgoing, Queues, asked_to_close, pump};
use crate::refusal::Refusal;
use crate::server_url::shown;

/// A socket that is being dialled, open, or ending.
pub(crate) struct Socket {
    generation: Generation,
    server: String,
    outgoing: mpsc::Sender<Outgoing>,
    closing: watch::Sender<bool>,
    events: mpsc::Receiver<SignalingEvent>,
    opened: bool,
    overflown: bool,
    task: Task,
}

impl Socket {
    /// Starts to dial.
    pub(crate) fn open(
        generation: Generation,
        call: Call,
        dialect: Arc<dyn Dialect>,
        options: &WebSocketOptions,
    ) -> Self {
        let (outgoing, queued) = mpsc::channel(capacity(options.outgoing_queue));
        let (told, events) = mpsc::channel(capacity(options.incoming_queue));
        let (closing, close_asked) = watch::channel(false);
        let server = shown(&call.server);
        tracing::debug!(%generation, %server, limit = ?call.limit, "dialling");
        let queues = Queues { outgoing: queued, events: told, closing: close_asked };
        let task = Task(tokio::spawn(live(generation, call, queues, dialect)));
        Self { generation, server, outgoing, closing, events, opened: false, overflown: false, task }
    }

    /// Returns its generation.
    pub(crate) fn generation(&self) -> Generation {
        self.generation
    }

    /// Queues a message; if there is no room, the socket ends.
    pub(crate) fn send(&mut self, outgoing: Outgoing) {
        match self.outgoing.try_send(outgoing) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                self.overflown = true;
                self.task.0.abort();
            }
            // The task has ended, and its last event says why.
            Err(TrySendError::Closed(_)) => {}
        }
    }

    /// Asks the task to send what is queued, then to close.
    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Returns the task of a socket that is closing: it goes on to send its close frame, and tells nobody.
    ///
    /// Any other socket ends at once.
    pub(crate) fn leave(self) -> Option<Task> {
        let closing = *self.closing.borrow();
        closing.then_some(self.task)
    }

    /// Yields what happened next. The last event is `Closed`; cancel-safe.
    pub(crate) async fn next_event(&mut self) -> SignalingEvent {
        match self.events.recv().await {
            Some(event) => {
                self.opened |= matches!(event, SignalingEvent::Opened { .. });
                event
            }
            None => self.cut_off(),
        }
    }

    /// Returns the end of a socket whose task could not tell it.
    fn cut_off(&self) -> SignalingEvent {
        let server = &self.server;
        let reason = if self.overflown {
            format!("{server} does not read: the outgoing queue is full, and the socket counts as dead")
        } else {
            format!("the task of the socket to {server} stopped; open another")
        };
        tracing::debug!(generation = %self.generation, %reason, "closed");
        let opened = self.opened;
        SignalingEvent::Closed { opened, code: None, status: None, retry_after: None, reason }
    }
}

/// A running task that ends with its owner.
pub(crate) struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Returns a queue length that tokio accepts.
fn capacity(wanted: usize) -> usize {
    wanted.clamp(1, Semaphore::MAX_PERMITS)
}

async fn live(generation: Generation, call: Call, mut queues: Queues, dialect: Arc<dyn Dialect>) {
    let server = shown(&call.server);
    let events = queues.events.clone();
    let dialed = tokio::select! {
        biased;
        () = asked_to_close(&mut queues.closing) => Err(Refusal::Abandoned),
        dialed = dial(&call) => dialed,
    };
    let closed = match dialed {
        Err(refusal) => refusal.into_event(&server),
        Ok(dialed) => {
            tracing::debug!(%generation, resumed = dialed.resumed, "opened");
            let opened = SignalingEvent::Opened { resumption: dialed.resumption, resumed: dialed.resumed };
            // An error means that the socket was replaced; this task is about to be aborted.
            let _ = events.send(opened).await;
            let ending = pump(dialed.websocket, queues, &dialect, &server).await;
            SignalingEvent::Closed {
                opened: true,
                code: ending.code,
                status: None,
                retry_after: None,
                reason: ending.reason,
            }
        }
    };
    tracing::debug!(%generation, ?closed, "closed");
    // As above.
    let _ = events.send(closed).await;
}
