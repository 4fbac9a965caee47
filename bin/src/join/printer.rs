//! Writes lines to stdout on a separate thread, so that a slow reader does not block the runtime.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use rejoin::Handle;
use rejoin::PeerKey;
use rejoin::delivery::Cursor;
use tokio::runtime;
use tokio::sync::{mpsc, oneshot};

/// The lines that may wait for the reader; further events wait in the session's bounded queue.
const MAX_WAITING_LINES: usize = 256;

/// Writes lines to stdout; clones share the thread.
#[derive(Clone, Debug)]
pub(crate) struct Printer {
    entries: mpsc::Sender<Entry>,
}

/// The position of a message in the stream of a peer.
pub(crate) type Position = (PeerKey, Cursor);

#[derive(Debug)]
enum Entry {
    Line(String),
    /// A message with its line, if it has one; confirmed as soon as the line is written.
    Message(Option<String>, Position),
    /// Report when every earlier entry is written and confirmed.
    Sync(oneshot::Sender<()>),
    End,
}

impl Printer {
    /// Starts the thread, which confirms written messages through `handle`.
    pub(crate) fn start(handle: Handle) -> Self {
        let (entries, waiting) = mpsc::channel(MAX_WAITING_LINES);
        let confirming = Confirming { runtime: runtime::Handle::current(), handle, written: BTreeMap::new() };
        std::thread::spawn(move || {
            if let Err(error) = write(waiting, confirming) {
                tracing::debug!(%error, "stdout is closed");
            }
        });
        Self { entries }
    }

    /// Prints a line, and waits while the queue is full; the line is dropped if stdout is closed.
    pub(crate) async fn print(&self, line: String) {
        let _ = self.entries.send(Entry::Line(line)).await;
    }

    /// Prints the line of a message, if it has one, and confirms the message.
    pub(crate) async fn print_message(&self, line: Option<String>, position: Position) {
        let _ = self.entries.send(Entry::Message(line, position)).await;
    }

    /// Waits until everything so far is printed and confirmed, or stdout is closed.
    pub(crate) async fn sync(&self) {
        let (done, synced) = oneshot::channel();
        let _ = self.entries.send(Entry::Sync(done)).await;
        let _ = synced.await;
    }

    /// Waits until everything is printed, or stdout is closed.
    pub(crate) async fn finish(&self) {
        let _ = self.entries.send(Entry::End).await;
        self.closed().await;
    }

    /// Waits until stdout is closed. Cancel-safe.
    pub(crate) async fn closed(&self) {
        self.entries.closed().await;
    }
}

/// Writes entries until `End`; flushes and confirms when no other entry waits.
fn write(mut entries: mpsc::Receiver<Entry>, mut confirming: Confirming) -> io::Result<()> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    while let Some(entry) = entries.blocking_recv() {
        let (line, done) = match entry {
            Entry::Line(line) => (Some(line), None),
            Entry::Message(line, (from, position)) => {
                confirming.written.insert(from, position);
                (line, None)
            }
            Entry::Sync(done) => (None, Some(done)),
            Entry::End => break,
        };
        if let Some(line) = line {
            stdout.write_all(line.as_bytes())?;
            stdout.write_all(b"\n")?;
        }
        if entries.is_empty() || done.is_some() {
            stdout.flush()?;
            confirming.confirm();
        }
        if let Some(done) = done {
            // The caller may have stopped waiting.
            let _ = done.send(());
        }
    }
    stdout.flush()?;
    confirming.confirm();
    Ok(())
}

/// The messages that are written and not confirmed.
struct Confirming {
    runtime: runtime::Handle,
    handle: Handle,
    /// The last message of each peer, which includes the earlier ones.
    written: BTreeMap<PeerKey, Cursor>,
}

impl Confirming {
    /// Confirms before the next line is written: a process that is killed in between prints the line again.
    fn confirm(&mut self) {
        for (from, position) in std::mem::take(&mut self.written) {
            // A session that is over cannot confirm.
            let _ = self.runtime.block_on(self.handle.confirm(&from, position));
        }
    }
}
