//! Scans the host at an interval, the first time at once.

use std::io;
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep_until};

use super::scan::scan;
use crate::observation::Observation;

/// One scan of the host; may take some milliseconds.
pub(super) type Scan = fn() -> io::Result<Observation>;

/// When the next scan is due, and the one that is running.
#[derive(Debug)]
pub(super) struct PollLoop {
    scan: Scan,
    due: Option<Instant>,
    scanning: Option<JoinHandle<io::Result<Observation>>>,
}

impl Default for PollLoop {
    fn default() -> Self {
        Self { scan, due: None, scanning: None }
    }
}

impl PollLoop {
    /// Returns what the next scan found: at once the first time, then `interval` after the last. Cancel-safe.
    pub(super) async fn next(&mut self, interval: Duration) -> io::Result<Observation> {
        let scanning = match &mut self.scanning {
            Some(scanning) => scanning,
            None => {
                if let Some(due) = self.due {
                    sleep_until(due).await;
                }
                self.scanning.insert(spawn_blocking(self.scan))
            }
        };
        let found = scanning.await;
        self.scanning = None;
        self.due = Some(Instant::now() + interval);
        found.map_err(io::Error::other).flatten()
    }
}

#[cfg(test)]
impl PollLoop {
    /// Creates a loop that scans with `scan`.
    pub(super) fn with_scan(scan: Scan) -> Self {
        Self { scan, ..Self::default() }
    }

    /// Scans with `scan` from the next time on.
    pub(super) fn set_scan(&mut self, scan: Scan) {
        self.scan = scan;
    }
}
