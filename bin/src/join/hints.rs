//! Warnings on stderr that a person at the terminal can act on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rejoin::output::{LinkName, Warning};
use rejoin::{Event, Fault};
use tokio::time::{Instant, sleep_until};

/// The time after which a missing stream is reported; a connection takes a second or two.
const MISSING_AFTER: Duration = Duration::from_secs(10);

/// The streams that have not connected, and the warnings so far.
#[derive(Debug)]
pub(crate) struct Hints {
    missing: BTreeSet<String>,
    interval: Duration,
    due_at: Option<Instant>,
    counts: BTreeMap<&'static str, u64>,
}

impl Hints {
    /// Creates the hints of a session that views `views`.
    pub(crate) fn new(views: Vec<String>) -> Self {
        let missing = views.into_iter().collect();
        Self { missing, interval: MISSING_AFTER, due_at: None, counts: BTreeMap::new() }
    }

    /// Waits until every stream should have connected, and warns of those that have not. Cancel-safe.
    pub(crate) async fn missing_streams(&mut self) {
        match self.due_at {
            Some(at) if !self.missing.is_empty() => sleep_until(at).await,
            Some(_) | None => std::future::pending().await,
        }
        for stream in &self.missing {
            tracing::warn!(
                "no answer for stream \"{stream}\" yet; is it published, on this server, in the same room \
                 and with the same --password?"
            );
        }
        self.interval *= 2;
        self.due_at = Some(Instant::now() + self.interval);
    }

    /// Warns of `event` if a person can act on it.
    pub(crate) fn on_event(&mut self, event: &Event) {
        match event {
            Event::SignalingConnected { .. } => self.due_at = Some(Instant::now() + self.interval),
            Event::Connected(peer) => {
                self.missing.remove(&*peer.key.peer);
            }
            Event::Repairing { link: LinkName::Signaling, fault, after, .. } => {
                if let Fault::SignalingUnreachable { .. } | Fault::TimedOut(_) = fault {
                    self.warn("unreachable", || {
                        tracing::warn!("{fault}; next try in {after:.1?}");
                    });
                }
            }
            Event::Recovered(recovery) if recovery.link == LinkName::Signaling => {
                self.counts.remove("unreachable");
            }
            Event::Dormant { link, fault } => {
                tracing::warn!(
                    "{link}: {fault}; the retries of the profile are used up, and the next one comes later"
                );
            }
            Event::Dropped { messages, .. } => {
                let messages = *messages;
                self.warn("dropped", || {
                    tracing::warn!(
                        messages,
                        "messages were lost: no peer of that name is connected, or its outbox was full"
                    );
                });
            }
            // The driver logs it.
            Event::Warning(Warning::StoreFailed { .. }) => {}
            Event::Warning(warning) => {
                self.warn(warning.name(), || tracing::warn!("{warning}"));
            }
            _ => {}
        }
    }

    /// Logs the 1st, 2nd, 4th, 8th … warning of a kind, so that a peer cannot flood the terminal.
    fn warn(&mut self, kind: &'static str, log: impl FnOnce()) {
        let times = self.counts.entry(kind).or_default();
        *times += 1;
        if times.is_power_of_two() {
            log();
        }
    }
}
