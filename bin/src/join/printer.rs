//! Writes lines to stdout in a thread of its own, so that a slow reader blocks nobody else.

use std::io::{self, BufWriter, Write};

use tokio::sync::mpsc;

/// Lines between the session and a reader; what the session has beyond that waits in its own bounded queue.
const WAITING_LINES: usize = 256;

/// Hands lines to stdout; clones write to the same.
#[derive(Clone, Debug)]
pub(crate) struct Printer {
    lines: mpsc::Sender<Option<String>>,
}

impl Printer {
    /// Starts the thread.
    pub(crate) fn start() -> Self {
        let (lines, waiting) = mpsc::channel(WAITING_LINES);
        std::thread::spawn(move || {
            if let Err(error) = write(waiting) {
                tracing::debug!(%error, "stdout is closed");
            }
        });
        Self { lines }
    }

    /// Prints a line, waiting for its turn; dropped if nobody reads any more.
    pub(crate) async fn print(&self, line: String) {
        let _ = self.lines.send(Some(line)).await;
    }

    /// Waits until everything is printed or nobody reads any more.
    pub(crate) async fn finish(&self) {
        let _ = self.lines.send(None).await;
        self.broken().await;
    }

    /// Waits until nobody reads any more. Cancel-safe.
    pub(crate) async fn broken(&self) {
        self.lines.closed().await;
    }
}

/// Writes what comes and flushes when nothing else waits, until told to stop.
fn write(mut lines: mpsc::Receiver<Option<String>>) -> io::Result<()> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    while let Some(Some(line)) = lines.blocking_recv() {
        stdout.write_all(line.as_bytes())?;
        stdout.write_all(b"\n")?;
        if lines.is_empty() {
            stdout.flush()?;
        }
    }
    stdout.flush()
}
