//! Watches the host: scans it once at the start, and again when the debounce of an event has passed.

use std::io;

use tokio::task::JoinHandle;

use crate::debounce::{Debounce, EventSource};
use crate::observation::Observation;

/// A scan that is running on a thread of its own.
pub(crate) type Scanning = JoinHandle<io::Result<Observation>>;

/// A source of events that can also scan the host.
pub(crate) trait Scanner: EventSource + Send {
    /// Starts a scan; a change while it runs is an event after it.
    fn scan(&self) -> Scanning;
}

/// A scanner, and the scan that follows its events.
#[derive(Debug)]
pub(crate) struct Watch<S> {
    scanner: S,
    debounce: Debounce,
    scanning: Option<Scanning>,
}

impl<S: Scanner> Watch<S> {
    /// Starts with a scan by `scanner`, which is subscribed to changes already.
    pub(crate) fn begin(scanner: S, debounce: Debounce) -> Self {
        let scanning = Some(scanner.scan());
        Self { scanner, debounce, scanning }
    }

    /// Returns what the scan after the next event found. Cancel-safe.
    pub(crate) async fn next(&mut self) -> io::Result<Observation> {
        let scanning = match &mut self.scanning {
            Some(scanning) => scanning,
            None => {
                self.debounce.wait(&mut self.scanner).await?;
                self.scanning.insert(self.scanner.scan())
            }
        };
        let found = scanning.await;
        self.scanning = None;
        found.map_err(io::Error::other).flatten()
    }
}
