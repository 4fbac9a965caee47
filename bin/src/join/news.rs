//! Tells on stderr what a person at the terminal can do something about.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rejoin_core::output::{LinkName, Warning};
use rejoin_core::{Event, Fault};
use tokio::time::{Instant, sleep_until};

/// How long a viewed stream may be silent before somebody is asked to look; a connection takes a second or two.
const PATIENCE: Duration = Duration::from_secs(10);

/// What has been told, and what has not come yet.
#[derive(Debug)]
pub(crate) struct News {
    awaited: BTreeSet<String>,
    patience: Duration,
    look_at: Option<Instant>,
    told: BTreeMap<&'static str, u64>,
}

impl News {
    /// Creates news about a session that views `views`.
    pub(crate) fn new(views: Vec<String>) -> Self {
        let awaited = views.into_iter().collect();
        Self { awaited, patience: PATIENCE, look_at: None, told: BTreeMap::new() }
    }

    /// Waits until a stream should have come, and says which has not. Cancel-safe.
    pub(crate) async fn patience_ends(&mut self) {
        match self.look_at {
            Some(at) if !self.awaited.is_empty() => sleep_until(at).await,
            Some(_) | None => std::future::pending().await,
        }
        for stream in &self.awaited {
            tracing::warn!(
                "no answer for stream \"{stream}\" yet; is it published, on this server, in the same room \
                 and with the same --password?"
            );
        }
        self.patience *= 2;
        self.look_at = Some(Instant::now() + self.patience);
    }

    /// Tells what `event` means, if it asks for somebody's attention.
    pub(crate) fn tell(&mut self, event: &Event) {
        match event {
            Event::SignalingConnected { .. } => self.look_at = Some(Instant::now() + self.patience),
            Event::Connected(peer) => {
                self.awaited.remove(&*peer.key.peer);
            }
            Event::Repairing { link: LinkName::Signaling, fault, after, .. } => {
                if let Fault::SignalingUnreachable { .. } | Fault::TimedOut(_) = fault {
                    self.now_and_then("unreachable", || {
                        tracing::warn!("{fault}; next try in {after:.1?}");
                    });
                }
            }
            Event::Recovered(recovery) if recovery.link == LinkName::Signaling => {
                self.told.remove("unreachable");
            }
            Event::Dormant { link, fault } => {
                tracing::warn!(
                    "{link}: {fault}; tried as often as the profile allows, and tries again later"
                );
            }
            Event::Dropped { messages, .. } => {
                let messages = *messages;
                self.now_and_then("dropped", || {
                    tracing::warn!(
                        messages,
                        "messages were lost: nobody of that name is connected, or too many waited"
                    );
                });
            }
            // The log has it already.
            Event::Warning(Warning::StoreFailed { .. }) => {}
            Event::Warning(warning) => {
                self.now_and_then(warning.name(), || tracing::warn!("{warning}"));
            }
            _ => {}
        }
    }

    /// Tells the 1st, 2nd, 4th, 8th … time, so that nobody outside can flood the terminal.
    fn now_and_then(&mut self, kind: &'static str, tell: impl FnOnce()) {
        let times = self.told.entry(kind).or_default();
        *times += 1;
        if times.is_power_of_two() {
            tell();
        }
    }
}
