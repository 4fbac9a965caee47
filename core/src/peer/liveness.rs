//! The evidence that one connection carries bytes both ways: pings, SCTP acknowledgements and ICE consent.

use std::time::{Duration, Instant};

use crate::peer::consent::Consent;
use crate::peer::probes::Probes;
use crate::policy::Probe;

/// What was probed and read on one connection.
#[derive(Debug, Default)]
pub(crate) struct Liveness {
    /// Whether the peer has ever answered a ping over this connection.
    pub(crate) answers_pings: bool,
    /// When we last answered a ping of the peer over this connection.
    pub(crate) answered_at: Option<Instant>,
    pub(crate) probes: Probes,
    /// Bytes not acknowledged by the peer's SCTP, and when that was read.
    pub(crate) outstanding: Option<(u64, Instant)>,
    pub(crate) consent: Consent,
    /// Outstanding stats requests made for consent alone; their samples are not graded.
    pub(crate) consent_readings: u32,
}

impl Liveness {
    /// Returns how many bytes the peer's SCTP had not acknowledged at the last reading.
    pub(crate) fn bytes_outstanding(&self) -> u64 {
        self.outstanding.map_or(0, |(bytes, _)| bytes)
    }

    /// Returns whether the peer's ICE answered a check within `limit`.
    pub(crate) fn has_consent(&self, limit: Duration, now: Instant) -> bool {
        self.consent.since.is_some_and(|at| now.saturating_duration_since(at) < limit)
    }

    /// Returns whether a peer without pongs has acknowledged by SCTP a ping sent after `since`, `min_age` ago or more.
    ///
    /// A reading may be as old as its request, and is certain to cover no younger ping.
    pub(crate) fn is_acknowledged(&self, since: Instant, min_age: Duration, now: Instant) -> bool {
        let covered =
            |ping: &Probe| ping.sent_at >= since && now.saturating_duration_since(ping.sent_at) >= min_age;
        let nothing_due = self.outstanding.is_some_and(|(bytes, at)| bytes == 0 && at >= since);
        !self.answers_pings && nothing_due && self.probes.log().iter().any(covered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_sctp_queue_acknowledges_an_older_ping() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut liveness = Liveness::default();
        liveness.probes.sent(at(10));
        liveness.outstanding = Some((0, at(200)));
        let min_age = Duration::from_millis(100);
        assert!(liveness.is_acknowledged(start, min_age, at(200)));
        assert!(!liveness.is_acknowledged(start, min_age, at(50)));
        assert!(!liveness.is_acknowledged(at(11), min_age, at(200)));
        liveness.answers_pings = true;
        assert!(!liveness.is_acknowledged(start, min_age, at(200)));
    }
}
