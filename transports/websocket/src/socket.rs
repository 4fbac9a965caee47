//! One socket: its task, and the handle that the transport holds.

use std::sync::Arc;

use rejoin_core::Generation;
use rejoin_core::port::{Dialect, SignalingEvent};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

use crate::dial::{DialRequest, dial};
use crate::dial_error::DialError;
use crate::options::WebSocketOptions;
use crate::pump::{Outgoing, Queues, close_requested, pump};
use crate::server_url::redacted;

/// A socket that is dialling, open or closing.
pub(crate) struct Socket {
    generation: Generation,
    server: String,
    outgoing: mpsc::Sender<Outgoing>,
    closing: watch::Sender<bool>,
    events: mpsc::Receiver<SignalingEvent>,
    opened: bool,
    overflowed: bool,
    task: Task,
}

impl Socket {
    /// Starts the dial in a new task.
    pub(crate) fn open(
        generation: Generation,
        request: DialRequest,
        dialect: Arc<dyn Dialect>,
        options: &WebSocketOptions,
    ) -> Self {
        let (outgoing, receiver) = mpsc::channel(capacity(options.outgoing_queue));
        let (sender, events) = mpsc::channel(capacity(options.incoming_queue));
        let (closing, closing_receiver) = watch::channel(false);
        let server = redacted(&request.server);
        tracing::debug!(%generation, %server, limit = ?request.limit, "dialling");
        let queues = Queues { outgoing: receiver, events: sender, closing: closing_receiver };
        let task = Task(tokio::spawn(run(generation, request, queues, dialect)));
        Self { generation, server, outgoing, closing, events, opened: false, overflowed: false, task }
    }

    /// Returns its generation.
    pub(crate) fn generation(&self) -> Generation {
        self.generation
    }

    /// Queues a message; if the queue is full, the socket is aborted.
    pub(crate) fn send(&mut self, outgoing: Outgoing) {
        match self.outgoing.try_send(outgoing) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                self.overflowed = true;
                self.task.0.abort();
            }
            // The task has ended, and its last event has the reason.
            Err(TrySendError::Closed(_)) => {}
        }
    }

    /// Requests a close after the queued messages are sent.
    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Returns the task of a closing socket, which still sends its close frame; any other socket is aborted.
    pub(crate) fn into_closing_task(self) -> Option<Task> {
        let closing = *self.closing.borrow();
        closing.then_some(self.task)
    }

    /// Returns the next event, of which `Closed` is the last; cancel-safe.
    pub(crate) async fn next_event(&mut self) -> SignalingEvent {
        match self.events.recv().await {
            Some(event) => {
                self.opened |= matches!(event, SignalingEvent::Opened { .. });
                event
            }
            None => self.closed_by_abort(),
        }
    }

    /// Returns the last event of a socket whose task was aborted.
    fn closed_by_abort(&self) -> SignalingEvent {
        let server = &self.server;
        let reason = if self.overflowed {
            format!("{server} does not read: the outgoing queue is full; the socket was dropped")
        } else {
            format!("the task of the socket to {server} was aborted; open another socket")
        };
        tracing::debug!(generation = %self.generation, %reason, "closed");
        let opened = self.opened;
        SignalingEvent::Closed { opened, code: None, status: None, retry_after: None, reason }
    }
}

/// A task that is aborted when it is dropped.
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

async fn run(generation: Generation, request: DialRequest, mut queues: Queues, dialect: Arc<dyn Dialect>) {
    let server = redacted(&request.server);
    let events = queues.events.clone();
    let dialed = tokio::select! {
        biased;
        () = close_requested(&mut queues.closing) => Err(DialError::Abandoned),
        dialed = dial(&request) => dialed,
    };
    let closed = match dialed {
        Err(error) => error.into_event(&server),
        Ok(dialed) => {
            tracing::debug!(%generation, resumed = dialed.resumed, "opened");
            let opened = SignalingEvent::Opened { resumption: dialed.resumption, resumed: dialed.resumed };
            // An error means that the socket was replaced and this task is about to be aborted.
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
