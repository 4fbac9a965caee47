//! Writes lines to stdout in a thread of its own, so that a slow reader blocks nobody else.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use rejoin_core::PeerKey;
use rejoin_core::delivery::Cursor;
use rejoin_driver::Handle;
use tokio::runtime;
use tokio::sync::{mpsc, oneshot};

/// Lines between the session and a reader; what the session has beyond that waits in its own bounded queue.
const WAITING_LINES: usize = 256;

/// Hands lines to stdout; clones write to the same.
#[derive(Clone, Debug)]
pub(crate) struct Printer {
    entries: mpsc::Sender<Entry>,
}

/// The place of a message in what a peer sends.
pub(crate) type Position = (PeerKey, Cursor);

#[derive(Debug)]
enum Entry {
    Line(String),
    /// A message, with its line unless it gets none; confirmed as soon as the reader has it.
    Message(Option<String>, Position),
    /// Tell when everything before is written and confirmed.
    Settled(oneshot::Sender<()>),
    End,
}

impl Printer {
    /// Starts the thread, which confirms over `handle` what it has written.
    pub(crate) fn start(handle: Handle) -> Self {
        let (entries, waiting) = mpsc::channel(WAITING_LINES);
        let confirming = Confirming { runtime: runtime::Handle::current(), handle, written: BTreeMap::new() };
        std::thread::spawn(move || {
            if let Err(error) = write(waiting, confirming) {
                tracing::debug!(%error, "stdout is closed");
            }
        });
        Self { entries }
    }

    /// Prints a line, waiting for its turn; dropped if nobody reads any more.
    pub(crate) async fn print(&self, line: String) {
        let _ = self.entries.send(Entry::Line(line)).await;
    }

    /// Prints the line of a message, if it gets one, and confirms the message.
    pub(crate) async fn print_message(&self, line: Option<String>, position: Position) {
        let _ = self.entries.send(Entry::Message(line, position)).await;
    }

    /// Waits until everything so far is printed and confirmed, or nobody reads any more.
    pub(crate) async fn settle(&self) {
        let (settled, waiting) = oneshot::channel();
        let _ = self.entries.send(Entry::Settled(settled)).await;
        let _ = waiting.await;
    }

    /// Waits until everything is printed or nobody reads any more.
    pub(crate) async fn finish(&self) {
        let _ = self.entries.send(Entry::End).await;
        self.broken().await;
    }

    /// Waits until nobody reads any more. Cancel-safe.
    pub(crate) async fn broken(&self) {
        self.entries.closed().await;
    }
}

/// Writes what comes, and flushes and confirms when nothing else waits, until told to stop.
fn write(mut entries: mpsc::Receiver<Entry>, mut confirming: Confirming) -> io::Result<()> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    while let Some(entry) = entries.blocking_recv() {
        let (line, settled) = match entry {
            Entry::Line(line) => (Some(line), None),
            Entry::Message(line, (from, position)) => {
                confirming.written.insert(from, position);
                (line, None)
            }
            Entry::Settled(settled) => (None, Some(settled)),
            Entry::End => break,
        };
        if let Some(line) = line {
            stdout.write_all(line.as_bytes())?;
            stdout.write_all(b"\n")?;
        }
        if entries.is_empty() || settled.is_some() {
            stdout.flush()?;
            confirming.confirm();
        }
        if let Some(settled) = settled {
            // whoever asked may be gone
            let _ = settled.send(());
        }
    }
    stdout.flush()?;
    confirming.confirm();
    Ok(())
}

/// What is written and not confirmed.
struct Confirming {
    runtime: runtime::Handle,
    handle: Handle,
    /// The last of each peer, which stands for those before it.
    written: BTreeMap<PeerKey, Cursor>,
}

impl Confirming {
    /// Confirms before the next line is written: what lies between is what a kill repeats.
    fn confirm(&mut self) {
        for (from, position) in std::mem::take(&mut self.written) {
            // a session that is over tells its peers nothing more
            let _ = self.runtime.block_on(self.handle.confirm(&from, position));
        }
    }
}
