//! The acknowledgements of a delivery link: when ours is sent, and when the peer's is overdue.

use std::time::{Duration, Instant};

use crate::delivery::frame::DeliveryFrame;
use crate::delivery::link::{DeliveryLink, Due};
use crate::id::Generation;

/// How long an acknowledgement waits for a message that could carry it.
const ACKNOWLEDGEMENT_DELAY: Duration = Duration::from_millis(25);

/// How many messages are acknowledged without that delay: a sixteenth of what a sender keeps by default, which at full
/// speed would be full sooner.
const ACKNOWLEDGED_AT_ONCE: u64 = 256;

/// How long a peer may acknowledge nothing over a connection that works; the largest message takes as long
/// at 300 kbit/s.
const ACKNOWLEDGEMENT_TIMEOUT: Duration = Duration::from_secs(30);

impl DeliveryLink {
    pub(super) fn on_acknowledged(&mut self, through: u64, connection: Generation, now: Instant) {
        if self.outbox.acknowledge(through) {
            self.acknowledgement_expected_at = None;
            self.expect_acknowledgement(connection, now);
        }
    }

    /// Waits for the peer's next acknowledgement, if it owes one.
    pub(super) fn expect_acknowledgement(&mut self, connection: Generation, now: Instant) {
        if self.delivers(connection) && !self.outbox.is_empty() {
            self.acknowledgement_expected_at.get_or_insert(now + ACKNOWLEDGEMENT_TIMEOUT);
        }
    }

    /// Acknowledges soon if there is anything to acknowledge, and at once if it is much.
    pub(super) fn owe_acknowledgement(&mut self, now: Instant) {
        if self.inbox.cursor().is_none() {
            return;
        }
        if self.inbox.unannounced() < ACKNOWLEDGED_AT_ONCE {
            self.acknowledge_at.get_or_insert(now + ACKNOWLEDGEMENT_DELAY);
        } else {
            self.acknowledge_at = Some(now);
        }
    }

    /// Returns when [`Self::on_timeout`] is to be called.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        [self.acknowledge_at, self.acknowledgement_expected_at].into_iter().flatten().min()
    }

    /// Handles the deadlines up to `now`.
    ///
    /// `in_use` is the connection in use, and `up_since` the time since when it works; `None` during an outage.
    pub(crate) fn on_timeout(
        &mut self,
        now: Instant,
        in_use: Option<Generation>,
        up_since: Option<Instant>,
    ) -> Due {
        let mut due = Due::default();
        if self.acknowledge_at.take_if(|at| *at <= now).is_some()
            // in an outage the next hello carries the position
            && let (Some(_), Some(_), Some(cursor)) = (in_use, up_since, self.inbox.cursor())
        {
            self.inbox.announce();
            due.acknowledgement = Some(DeliveryFrame::Acknowledgement { through: cursor.sequence });
        }
        if self.acknowledgement_expected_at.take_if(|at| *at <= now).is_some()
            && let Some(in_use) = in_use.filter(|in_use| self.delivers(*in_use))
        {
            let up_for = up_since.map(|since| now.saturating_duration_since(since));
            if up_for.is_some_and(|up_for| up_for >= ACKNOWLEDGEMENT_TIMEOUT) {
                due.unacknowledged = self.outbox.len();
            }
            self.expect_acknowledgement(in_use, now);
        }
        due
    }
}
