//! The state machine of one dialect behind a lock, with a bounded line to every socket.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, trace};

use crate::close_reason::CloseReason;
use crate::dialect::ServerDialect;
use crate::frame::Malformed;
use crate::hosted::{Admission, Arrival, ConnectionId, Effect, Extension};
use crate::metrics;
use crate::options::Options;
use crate::route::{Route, Secret};
use crate::upgrade::{HttpRejection, ResumeRequest};

/// Connects the socket tasks; nothing inside ever waits.
#[derive(Debug)]
pub(crate) struct Hub {
    pub(crate) options: Options,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    board: Box<dyn ServerDialect>,
    lines: BTreeMap<ConnectionId, Outbound>,
    next: u64,
}

/// The exchange's end of a socket.
#[derive(Debug)]
struct Outbound {
    frames: Sender<String>,
    queued: Arc<AtomicUsize>,
    close_reason: oneshot::Sender<CloseReason>,
}

/// The socket task's end of a line.
#[derive(Debug)]
pub(crate) struct OutboundQueue {
    pub(crate) frames: Receiver<String>,
    /// Bytes in `frames`; the task subtracts what it has written.
    pub(crate) queued: Arc<AtomicUsize>,
    pub(crate) close_reason: oneshot::Receiver<CloseReason>,
}

/// A socket's place; dropping it frees everything that the socket held.
#[derive(Debug)]
pub(crate) struct ConnectionGuard {
    exchange: Arc<Hub>,
    connection: ConnectionId,
}

impl Hub {
    pub(crate) fn new(options: Options) -> Self {
        let board = options.dialect.board(options.limits);
        Self { options, state: Mutex::new(State { board, lines: BTreeMap::new(), next: 0 }) }
    }

    /// Gives a socket its place and its route.
    pub(crate) fn open(
        self: &Arc<Self>,
        wish: Option<ResumeRequest>,
    ) -> Result<(ConnectionGuard, OutboundQueue, Admission), HttpRejection> {
        let route = Route::from_random(dice()?);
        let secret = Secret::from_random(dice()?);
        let extension = wish.map(|wish| match wish {
            ResumeRequest::NewRoute => Extension { secret, resume: None },
            ResumeRequest::Resume(pass) => Extension { secret, resume: Some(pass) },
        });
        let mut state = self.lock();
        let connection = ConnectionId(state.next);
        state.next += 1;
        let arrival = Arrival { connection, route, extension };
        let (admission, effects) = state.board.open(arrival, now()).map_err(|refusal| {
            debug!(%refusal, "socket refused");
            HttpRejection::Full
        })?;
        debug!(route = %admission.route, resumed = admission.resumed, "socket opened");
        let (frames, inbox) = mpsc::channel(self.options.limits.queue_frames);
        let (close_reason, notice) = oneshot::channel();
        let queued = Arc::new(AtomicUsize::new(0));
        state.lines.insert(connection, Outbound { frames, queued: Arc::clone(&queued), close_reason });
        self.carry_out(&mut state, effects);
        let seat = ConnectionGuard { exchange: Arc::clone(self), connection };
        Ok((seat, OutboundQueue { frames: inbox, queued, close_reason: notice }, admission))
    }

    fn carry_out(&self, state: &mut State, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send { to, text } => self.deliver(state, to, text),
                Effect::Close { connection, close_reason } => state.hang_up(connection, close_reason),
                Effect::Count(event) => metrics::count(event),
            }
        }
        metrics::show(state.board.counts());
    }

    /// Queues a frame; a reader whose queue is full is closed, so that it slows nobody else down.
    fn deliver(&self, state: &mut State, to: ConnectionId, text: String) {
        let Some(line) = state.lines.get(&to) else { return };
        let bytes = text.len();
        let queued = line.queued.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if queued > self.options.limits.queue_bytes || line.frames.try_send(text).is_err() {
            state.board.close(to, now());
            state.hang_up(to, CloseReason::SlowReader);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The board is consistent between any two frames, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Tells a socket's task to end; the notice goes out before the line closes.
    fn hang_up(&mut self, connection: ConnectionId, close_reason: CloseReason) {
        if let Some(line) = self.lines.remove(&connection) {
            // The task may be gone already.
            let _ = line.close_reason.send(close_reason);
        }
    }
}

impl ConnectionGuard {
    /// Takes a text frame that the socket sent.
    pub(crate) fn receive(&self, text: &str) {
        trace!(connection = self.connection.0, bytes = text.len(), "frame received");
        let mut state = self.exchange.lock();
        let effects = state.board.receive(self.connection, text, now());
        self.exchange.carry_out(&mut state, effects);
    }

    /// Takes notice of a frame that is no text.
    pub(crate) fn refuse(&self, malformed: &Malformed) {
        let mut state = self.exchange.lock();
        let effects = state.board.refuse(self.connection, malformed, now());
        self.exchange.carry_out(&mut state, effects);
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let mut state = self.exchange.lock();
        state.board.close(self.connection, now());
        state.lines.remove(&self.connection);
        metrics::show(state.board.counts());
    }
}

/// Reads the clock of the runtime, which tests can stop.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn dice() -> Result<[u8; 16], HttpRejection> {
    let mut bytes = [0; 16];
    // Without randomness routes could be guessed: better no socket.
    getrandom::fill(&mut bytes).map_err(|_| HttpRejection::Full)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Limits;

    /// A reader that never empties its mailbox, and somebody who knows its address.
    fn pair(limits: Limits) -> (ConnectionGuard, OutboundQueue, ConnectionGuard, String) {
        let exchange = Arc::new(Hub::new(Options { limits, ..Options::default() }));
        let (reader, mailbox, admission) = exchange.open(None).unwrap();
        let (writer, _, _) = exchange.open(None).unwrap();
        (reader, mailbox, writer, admission.route.to_string())
    }

    #[test]
    fn a_queue_with_too_many_frames_ends_its_reader() {
        let (reader, mut mailbox, writer, to) = pair(Limits { queue_frames: 2, ..Limits::default() });
        for number in 0..2 {
            writer.receive(&format!(r#"{{"UUID":"{to}","number":{number}}}"#));
            assert!(mailbox.close_reason.try_recv().is_err());
        }
        reader.receive(r#"{"request":"seed","streamID":"cam"}"#);
        writer.receive(&format!(r#"{{"UUID":"{to}","number":3}}"#));
        assert_eq!(mailbox.close_reason.try_recv(), Ok(CloseReason::SlowReader));
        assert_eq!(writer.exchange.lock().board.counts().streams, 0);
    }

    #[test]
    fn a_queue_with_too_many_bytes_ends_its_reader() {
        let limits = Limits { queue_bytes: 1000, frame_bytes: 1000, ..Limits::default() };
        let (_reader, mut mailbox, writer, to) = pair(limits);
        let frame = format!(r#"{{"UUID":"{to}","load":"{}"}}"#, "x".repeat(500));
        writer.receive(&frame);
        assert!(mailbox.close_reason.try_recv().is_err());
        writer.receive(&frame);
        assert_eq!(mailbox.close_reason.try_recv(), Ok(CloseReason::SlowReader));
    }

    #[test]
    fn a_dropped_seat_is_free() {
        let (reader, _mailbox, writer, _) = pair(Limits::default());
        reader.receive(r#"{"request":"seed","streamID":"cam"}"#);
        drop(reader);
        let state = writer.exchange.lock();
        assert_eq!((state.board.counts().sockets, state.lines.len()), (1, 1));
        assert_eq!(state.board.counts().streams, 0);
    }
}
