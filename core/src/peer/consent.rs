//! Consent: when the peer's ICE last answered a check of ours (RFC 7675), as far as stats samples show.

use std::time::Instant;

/// The answers on the selected pair, which prove that packets go both ways below SCTP.
#[derive(Debug, Default)]
pub(crate) struct Consent {
    reading: Option<(u64, Instant)>,
    /// When the sample before the last answer was taken.
    pub(crate) since: Option<Instant>,
}

impl Consent {
    /// Records how many answers have arrived by `now`.
    ///
    /// A count that does not grow proves nothing: it starts again with each ICE restart.
    pub(crate) fn read(&mut self, responses: u64, now: Instant) {
        if let Some((before, at)) = self.reading.replace((responses, now))
            && responses > before
        {
            self.since = Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_answer_is_as_old_as_the_reading_before_it() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut consent = Consent::default();
        consent.read(7, at(0));
        assert_eq!(consent.since, None);
        consent.read(8, at(200));
        assert_eq!(consent.since, Some(at(0)));
        consent.read(8, at(400));
        assert_eq!(consent.since, Some(at(0)));
    }

    #[test]
    fn a_restart_of_ice_answers_nothing() {
        let now = Instant::now();
        let mut consent = Consent::default();
        consent.read(7, now);
        consent.read(1, now);
        assert_eq!(consent.since, None);
    }
}
