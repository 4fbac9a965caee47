//! Looks at the host at an interval, the first at once.

use std::io;
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, sleep_until};

use super::survey::survey;
use crate::sight::Sight;

/// One look at the host; may take some milliseconds.
pub(super) type Look = fn() -> io::Result<Sight>;

/// When the next look is due, and the one that is being taken.
#[derive(Debug)]
pub(super) struct Rounds {
    look: Look,
    due: Option<Instant>,
    looking: Option<JoinHandle<io::Result<Sight>>>,
}

impl Default for Rounds {
    fn default() -> Self {
        Self { look: survey, due: None, looking: None }
    }
}

impl Rounds {
    /// Returns what the next look found: at once the first time, then `interval` after the last. Cancel-safe.
    pub(super) async fn next(&mut self, interval: Duration) -> io::Result<Sight> {
        let looking = match &mut self.looking {
            Some(looking) => looking,
            None => {
                if let Some(due) = self.due {
                    sleep_until(due).await;
                }
                self.looking.insert(spawn_blocking(self.look))
            }
        };
        let found = looking.await;
        self.looking = None;
        self.due = Some(Instant::now() + interval);
        found.map_err(io::Error::other).flatten()
    }
}

#[cfg(test)]
impl Rounds {
    /// Returns rounds that look with `look`.
    pub(super) fn looking(look: Look) -> Self {
        Self { look, ..Self::default() }
    }

    /// Looks with `look` from the next time on.
    pub(super) fn look_with(&mut self, look: Look) {
        self.look = look;
    }
}
