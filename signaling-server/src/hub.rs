//! The dialect's state machine behind a lock, with a bounded outgoing queue for each socket.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, trace};

use crate::close_reason::CloseReason;
use crate::dialect::{
    Admission, AdmissionError, ConnectionId, Dialect, Effect, NewConnection, ResumeRequest, ServerDialect,
};
use crate::frame::Malformed;
use crate::hosted::HostedDialect;
use crate::metrics;
use crate::options::Options;
use crate::route::{Route, Secret};
use crate::self_host::SelfHostDialect;

/// Connects the socket tasks; no method waits for a socket.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) options: Options,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    dialect: Box<dyn ServerDialect>,
    sockets: BTreeMap<ConnectionId, Outbound>,
    next: u64,
}

/// The hub's end of a socket's queue.
#[derive(Debug)]
struct Outbound {
    frames: Sender<String>,
    queued_bytes: Arc<AtomicUsize>,
    close: oneshot::Sender<CloseReason>,
}

/// The socket task's end of its queue.
#[derive(Debug)]
pub(crate) struct OutboundQueue {
    pub(crate) frames: Receiver<String>,
    /// Bytes in `frames`; the task subtracts what it has written.
    pub(crate) queued_bytes: Arc<AtomicUsize>,
    pub(crate) close: oneshot::Receiver<CloseReason>,
}

/// Registers a connection with the hub; dropping it frees everything that the connection held.
#[derive(Debug)]
pub(crate) struct ConnectionGuard {
    hub: Arc<Hub>,
    connection: ConnectionId,
}

impl Hub {
    pub(crate) fn new(options: Options) -> Self {
        let dialect: Box<dyn ServerDialect> = match options.dialect {
            Dialect::Hosted => Box::new(HostedDialect::new(options.limits)),
            Dialect::SelfHost => Box::new(SelfHostDialect::new(options.limits)),
        };
        Self { options, state: Mutex::new(State { dialect, sockets: BTreeMap::new(), next: 0 }) }
    }

    /// Admits a connection.
    pub(crate) fn open(
        self: &Arc<Self>,
        resume: Option<ResumeRequest>,
    ) -> Result<(ConnectionGuard, OutboundQueue, Admission), AdmissionError> {
        let route = Route::from_random(random_bytes()?);
        let secret = Secret::from_random(random_bytes()?);
        let mut state = self.lock();
        let connection = ConnectionId(state.next);
        state.next += 1;
        let new = NewConnection { connection, route, secret, resume };
        let (admission, effects) = state.dialect.open(new, now())?;
        debug!(route = %admission.route, resumed = admission.resumed, "socket opened");
        let (frames, receiver) = mpsc::channel(self.options.limits.queue_frames);
        let (close, closed) = oneshot::channel();
        let queued_bytes = Arc::new(AtomicUsize::new(0));
        let outbound = Outbound { frames, queued_bytes: Arc::clone(&queued_bytes), close };
        state.sockets.insert(connection, outbound);
        self.apply(&mut state, effects);
        let guard = ConnectionGuard { hub: Arc::clone(self), connection };
        Ok((guard, OutboundQueue { frames: receiver, queued_bytes, close: closed }, admission))
    }

    fn apply(&self, state: &mut State, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send { to, text } => self.queue(state, to, text),
                Effect::Close { connection, reason } => state.close(connection, reason),
                Effect::Count(event) => metrics::count(event),
            }
        }
        metrics::set_gauges(state.dialect.counts());
    }

    /// Queues a frame; a reader whose queue is full is closed, so that it delays no other client.
    fn queue(&self, state: &mut State, to: ConnectionId, text: String) {
        let Some(outbound) = state.sockets.get(&to) else { return };
        let bytes = text.len();
        let queued = outbound.queued_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if queued > self.options.limits.queue_bytes || outbound.frames.try_send(text).is_err() {
            state.dialect.close(to, now());
            state.close(to, CloseReason::SlowReader);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The dialect is consistent between any two frames, so a panic of another task does not invalidate it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Ends a socket's task; the reason is sent before the queue closes.
    fn close(&mut self, connection: ConnectionId, reason: CloseReason) {
        if let Some(outbound) = self.sockets.remove(&connection) {
            // The task may have ended already.
            let _ = outbound.close.send(reason);
        }
    }
}

impl ConnectionGuard {
    /// Processes a text frame of the socket; `Err` stands for a frame that is not text.
    pub(crate) fn receive(&self, text: Result<&str, Malformed>) {
        trace!(
            connection = self.connection.0,
            bytes = text.as_ref().map_or(0, |text| text.len()),
            "frame received"
        );
        let mut state = self.hub.lock();
        let effects = state.dialect.receive(self.connection, text, now());
        self.hub.apply(&mut state, effects);
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let mut state = self.hub.lock();
        state.dialect.close(self.connection, now());
        state.sockets.remove(&self.connection);
        metrics::set_gauges(state.dialect.counts());
    }
}

/// Reads the runtime's clock, which tests can pause.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn random_bytes() -> Result<[u8; 16], AdmissionError> {
    let mut bytes = [0; 16];
    // Without randomness a route could be guessed, so the connection is not admitted.
    getrandom::fill(&mut bytes).map_err(|_| AdmissionError::Full)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Limits;

    /// A reader that never empties its queue, a writer, and the reader's address.
    fn pair(limits: Limits) -> (ConnectionGuard, OutboundQueue, ConnectionGuard, String) {
        let hub = Arc::new(Hub::new(Options { limits, ..Options::default() }));
        let (reader, queue, admission) = hub.open(None).unwrap();
        let (writer, _, _) = hub.open(None).unwrap();
        (reader, queue, writer, admission.route.to_string())
    }

    #[test]
    fn a_queue_with_too_many_frames_closes_its_reader() {
        let (reader, mut queue, writer, to) = pair(Limits { queue_frames: 2, ..Limits::default() });
        for number in 0..2 {
            writer.receive(Ok(&format!(r#"{{"UUID":"{to}","number":{number}}}"#)));
            assert!(queue.close.try_recv().is_err());
        }
        reader.receive(Ok(r#"{"request":"seed","streamID":"cam"}"#));
        writer.receive(Ok(&format!(r#"{{"UUID":"{to}","number":3}}"#)));
        assert_eq!(queue.close.try_recv(), Ok(CloseReason::SlowReader));
        assert_eq!(writer.hub.lock().dialect.counts().streams, 0);
    }

    #[test]
    fn a_queue_with_too_many_bytes_closes_its_reader() {
        let limits = Limits { queue_bytes: 1000, frame_bytes: 1000, ..Limits::default() };
        let (_reader, mut queue, writer, to) = pair(limits);
        let frame = format!(r#"{{"UUID":"{to}","load":"{}"}}"#, "x".repeat(500));
        writer.receive(Ok(&frame));
        assert!(queue.close.try_recv().is_err());
        writer.receive(Ok(&frame));
        assert_eq!(queue.close.try_recv(), Ok(CloseReason::SlowReader));
    }

    #[test]
    fn a_dropped_guard_frees_its_stream() {
        let (reader, _queue, writer, _) = pair(Limits::default());
        reader.receive(Ok(r#"{"request":"seed","streamID":"cam"}"#));
        drop(reader);
        let state = writer.hub.lock();
        assert_eq!((state.dialect.counts().sockets, state.sockets.len()), (1, 1));
        assert_eq!(state.dialect.counts().streams, 0);
    }
}
