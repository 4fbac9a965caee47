//! The state machine of one dialect behind a lock, with a bounded line to every socket.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, trace};

use crate::board::Board;
use crate::farewell::Farewell;
use crate::frame::Malformed;
use crate::metrics;
use crate::options::Options;
use crate::route::{Route, Secret};
use crate::switchboard::{Admission, Arrival, ConnectionId, Effect, Extension};
use crate::upgrade::{Rebuff, Wish};

/// Connects the socket tasks; nothing inside ever waits.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) options: Options,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    board: Box<dyn Board>,
    lines: BTreeMap<ConnectionId, Line>,
    next: u64,
}

/// The exchange's end of a socket.
#[derive(Debug)]
struct Line {
    frames: Sender<String>,
    queued: Arc<AtomicUsize>,
    farewell: oneshot::Sender<Farewell>,
}

/// The socket task's end of a line.
#[derive(Debug)]
pub(crate) struct Mailbox {
    pub(crate) frames: Receiver<String>,
    /// Bytes in `frames`; the task subtracts what it has written.
    pub(crate) queued: Arc<AtomicUsize>,
    pub(crate) farewell: oneshot::Receiver<Farewell>,
}

/// A socket's place; dropping it frees everything that the socket held.
#[derive(Debug)]
pub(crate) struct Seat {
    exchange: Arc<Exchange>,
    connection: ConnectionId,
}

impl Exchange {
    pub(crate) fn new(options: Options) -> Self {
        let board = options.dialect.board(options.limits);
        Self { options, state: Mutex::new(State { board, lines: BTreeMap::new(), next: 0 }) }
    }

    /// Gives a socket its place and its route.
    pub(crate) fn open(self: &Arc<Self>, wish: Option<Wish>) -> Result<(Seat, Mailbox, Admission), Rebuff> {
        let route = Route::from_random(dice()?);
        let secret = Secret::from_random(dice()?);
        let extension = wish.map(|wish| match wish {
            Wish::NewRoute => Extension { secret, resume: None },
            Wish::Resume(pass) => Extension { secret, resume: Some(pass) },
        });
        let mut state = self.lock();
        let connection = ConnectionId(state.next);
        state.next += 1;
        let arrival = Arrival { connection, route, extension };
        let (admission, effects) = state.board.open(arrival, now()).map_err(|refusal| {
            debug!(%refusal, "socket refused");
            Rebuff::Full
        })?;
        debug!(route = %admission.route, resumed = admission.resumed, "socket opened");
        let (frames, inbox) = mpsc::channel(self.options.limits.queue_frames);
        let (farewell, notice) = oneshot::channel();
        let queued = Arc::new(AtomicUsize::new(0));
        state.lines.insert(connection, Line { frames, queued: Arc::clone(&queued), farewell });
        self.carry_out(&mut state, effects);
        let seat = Seat { exchange: Arc::clone(self), connection };
        Ok((seat, Mailbox { frames: inbox, queued, farewell: notice }, admission))
    }

    fn carry_out(&self, state: &mut State, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send { to, text } => self.deliver(state, to, text),
                Effect::Close { connection, farewell } => state.hang_up(connection, farewell),
                Effect::Count(tally) => metrics::count(tally),
            }
        }
        metrics::show(state.board.census());
    }

    /// Queues a frame; a reader whose queue is full is closed, so that it slows nobody else down.
    fn deliver(&self, state: &mut State, to: ConnectionId, text: String) {
        let Some(line) = state.lines.get(&to) else { return };
        let bytes = text.len();
        let queued = line.queued.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if queued > self.options.limits.queue_bytes || line.frames.try_send(text).is_err() {
            state.board.close(to, now());
            state.hang_up(to, Farewell::SlowReader);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The board is consistent between any two frames, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Tells a socket's task to end; the notice goes out before the line closes.
    fn hang_up(&mut self, connection: ConnectionId, farewell: Farewell) {
        if let Some(line) = self.lines.remove(&connection) {
            // The task may be gone already.
            let _ = line.farewell.send(farewell);
        }
    }
}

impl Seat {
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

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.exchange.lock();
        state.board.close(self.connection, now());
        state.lines.remove(&self.connection);
        metrics::show(state.board.census());
    }
}

/// Reads the clock of the runtime, which tests can stop.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn dice() -> Result<[u8; 16], Rebuff> {
    let mut bytes = [0; 16];
    // Without randomness routes could be guessed: better no socket.
    getrandom::fill(&mut bytes).map_err(|_| Rebuff::Full)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Limits;

    /// A reader that never empties its mailbox, and somebody who knows its address.
    fn pair(limits: Limits) -> (Seat, Mailbox, Seat, String) {
        let exchange = Arc::new(Exchange::new(Options { limits, ..Options::default() }));
        let (reader, mailbox, admission) = exchange.open(None).unwrap();
        let (writer, _, _) = exchange.open(None).unwrap();
        (reader, mailbox, writer, admission.route.to_string())
    }

    #[test]
    fn a_queue_with_too_many_frames_ends_its_reader() {
        let (reader, mut mailbox, writer, to) = pair(Limits { queue_frames: 2, ..Limits::default() });
        for number in 0..2 {
            writer.receive(&format!(r#"{{"UUID":"{to}","number":{number}}}"#));
            assert!(mailbox.farewell.try_recv().is_err());
        }
        reader.receive(r#"{"request":"seed","streamID":"cam"}"#);
        writer.receive(&format!(r#"{{"UUID":"{to}","number":3}}"#));
        assert_eq!(mailbox.farewell.try_recv(), Ok(Farewell::SlowReader));
        assert_eq!(writer.exchange.lock().board.census().streams, 0);
    }

    #[test]
    fn a_queue_with_too_many_bytes_ends_its_reader() {
        let limits = Limits { queue_bytes: 1000, frame_bytes: 1000, ..Limits::default() };
        let (_reader, mut mailbox, writer, to) = pair(limits);
        let frame = format!(r#"{{"UUID":"{to}","load":"{}"}}"#, "x".repeat(500));
        writer.receive(&frame);
        assert!(mailbox.farewell.try_recv().is_err());
        writer.receive(&frame);
        assert_eq!(mailbox.farewell.try_recv(), Ok(Farewell::SlowReader));
    }

    #[test]
    fn a_dropped_seat_is_free() {
        let (reader, _mailbox, writer, _) = pair(Limits::default());
        reader.receive(r#"{"request":"seed","streamID":"cam"}"#);
        drop(reader);
        let state = writer.exchange.lock();
        assert_eq!((state.board.census().sockets, state.lines.len()), (1, 1));
        assert_eq!(state.board.census().streams, 0);
    }
}
