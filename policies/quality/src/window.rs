//! Windows: the loss and round trip between two consecutive samples.

use std::time::Duration;

use rejoin_core::stats::Sample;

/// What was measured from one sample to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Window {
    /// What was lost; `None` if nothing was sent that could be.
    pub(crate) loss: Option<Loss>,
    /// The round trip at the end.
    pub(crate) rtt: Option<Duration>,
}

/// The shares, within `0.0..=1.0`, between which the loss of a window lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Loss {
    /// If everything that may still be on its way arrives.
    pub(crate) least: f64,
    /// If nothing more arrives.
    pub(crate) most: f64,
}

/// Returns the windows of the newest connection in `samples`, oldest first.
///
/// Probes of all but the newest window have had a whole window to be answered in.
/// So no more of them are lost than are unanswered in any later sample, however late the answers came.
pub(crate) fn windows(samples: &[Sample]) -> Vec<Window> {
    let samples = newest_connection(samples);
    let mut lost: Vec<u64> = samples.iter().map(unanswered).collect();
    for index in (1..lost.len()).rev() {
        lost[index - 1] = lost[index - 1].min(lost[index]);
    }
    let newest = samples.len().saturating_sub(1);
    let pairs = samples.windows(2).zip(lost.windows(2)).enumerate();
    pairs
        .filter_map(|(index, pair)| match pair {
            ([from, to], [before, after]) => {
                let under_way = if index + 1 == newest { probes_under_way(from, to) } else { 0 };
                let loss = worse(probe_loss(from, to, after - before, under_way), packet_loss(from, to));
                Some(Window { loss, rtt: to.rtt })
            }
            _ => None,
        })
        .collect()
}

/// Returns the samples since a counter last ran backwards, which it does only on a new connection.
///
/// `packets_lost` proves nothing here: late packets take losses back (RFC 3550 section 6.4.1).
fn newest_connection(samples: &[Sample]) -> &[Sample] {
    let counters = |sample: &Sample| {
        [
            sample.packets_received,
            sample.bytes_sent,
            sample.bytes_received,
            sample.probes_sent,
            sample.probes_answered,
        ]
    };
    let restarts = |pair: &[Sample]| match pair {
        [from, to] => counters(from).into_iter().zip(counters(to)).any(|(before, after)| after < before),
        _ => false,
    };
    let start = samples.windows(2).rposition(restarts).map_or(0, |index| index + 1);
    samples.get(start..).unwrap_or_default()
}

fn unanswered(sample: &Sample) -> u64 {
    sample.probes_sent.saturating_sub(sample.probes_answered)
}

/// Returns how many probes may be on their way at the end of a window: those of the last round trip, and at least the newest.
fn probes_under_way(from: &Sample, to: &Sample) -> u64 {
    let sent = to.probes_sent.saturating_sub(from.probes_sent);
    let window = to.at.saturating_duration_since(from.at).as_secs_f64();
    let round_trip = to.rtt.unwrap_or_default().as_secs_f64();
    let share = if window > 0.0 { (round_trip / window).min(1.0) } else { 1.0 };
    ((sent as f64 * share).ceil() as u64).max(1)
}

fn probe_loss(from: &Sample, to: &Sample, lost: u64, under_way: u64) -> Option<Loss> {
    let sent = to.probes_sent.saturating_sub(from.probes_sent);
    let least = share(lost.saturating_sub(under_way), sent)?;
    Some(Loss { least, most: share(lost, sent)? })
}

/// Returns the loss of packets, where the transport counts it.
fn packet_loss(from: &Sample, to: &Sample) -> Option<Loss> {
    if to.packets_lost == 0 {
        return None;
    }
    let lost = to.packets_lost.saturating_sub(from.packets_lost);
    let received = to.packets_received.saturating_sub(from.packets_received);
    let loss = share(lost, lost.saturating_add(received))?;
    Some(Loss { least: loss, most: loss })
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| (part as f64 / whole as f64).min(1.0))
}

fn worse(one: Option<Loss>, other: Option<Loss>) -> Option<Loss> {
    match (one, other) {
        (Some(one), Some(other)) => {
            Some(Loss { least: one.least.max(other.least), most: one.most.max(other.most) })
        }
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);

    /// Samples at the ends of windows, with probes sent and answered so far.
    fn probed(counts: &[(u64, u64)]) -> Vec<Sample> {
        let start = Instant::now();
        let at = (0..).map(|index| start + WINDOW * index);
        let sample = |(at, (probes_sent, probes_answered))| {
            let mut sample = Sample::new(at);
            sample.rtt = Some(Duration::from_millis(50));
            (sample.probes_sent, sample.probes_answered) = (probes_sent, probes_answered);
            sample
        };
        at.zip(counts.iter().copied()).map(sample).collect()
    }

    /// The least and most that each window lost, in hundredths.
    fn losses(samples: &[Sample]) -> Vec<Option<(u8, u8)>> {
        let hundredths = |share: f64| (share * 100.0).round() as u8;
        let loss = |loss: Loss| (hundredths(loss.least), hundredths(loss.most));
        windows(samples).into_iter().map(|window| window.loss.map(loss)).collect()
    }

    #[test]
    fn there_is_one_window_less_than_samples() {
        assert!(windows(&[]).is_empty());
        assert!(windows(&probed(&[(1, 1)])).is_empty());
        assert_eq!(windows(&probed(&[(1, 1), (2, 2), (3, 3)])).len(), 2);
    }

    #[test]
    fn what_is_never_answered_is_lost() {
        let samples = probed(&[(0, 0), (5, 3), (10, 8), (15, 13)]);
        assert_eq!(losses(&samples), [Some((40, 40)), Some((0, 0)), Some((0, 0))]);
    }

    #[test]
    fn the_newest_probe_may_still_arrive() {
        assert_eq!(losses(&probed(&[(0, 0), (5, 4)])), [Some((0, 20))]);
        assert_eq!(losses(&probed(&[(0, 0), (5, 3)])), [Some((20, 40))]);
    }

    #[test]
    fn a_probe_in_flight_is_not_a_loss() {
        let samples = probed(&[(1, 0), (6, 5), (11, 10)]);
        assert_eq!(losses(&samples), [Some((0, 0)), Some((0, 0))]);
    }

    #[test]
    fn a_late_answer_forgives_a_loss() {
        let samples = probed(&[(0, 0), (5, 3), (10, 10)]);
        assert_eq!(losses(&samples), [Some((0, 0)), Some((0, 0))]);
    }

    #[test]
    fn a_long_round_trip_has_more_probes_under_way() {
        let mut samples = probed(&[(0, 0), (10, 6)]);
        samples[1].rtt = Some(Duration::from_secs(4));
        assert_eq!(losses(&samples), [Some((0, 40))]);
    }

    #[test]
    fn a_window_without_probes_tells_no_loss() {
        assert_eq!(losses(&probed(&[(5, 4), (5, 4)])), [None]);
    }

    #[test]
    fn a_counter_that_runs_backwards_restarts_the_windows() {
        let samples = probed(&[(0, 0), (50, 10), (5, 5), (10, 10)]);
        assert_eq!(losses(&samples), [Some((0, 0))]);
    }

    #[test]
    fn lost_packets_count_from_window_to_window() {
        let mut samples = probed(&[(0, 0), (0, 0), (0, 0)]);
        for (sample, (lost, received)) in samples.iter_mut().zip([(100, 100), (120, 180), (110, 280)]) {
            (sample.packets_lost, sample.packets_received) = (lost, received);
        }
        assert_eq!(losses(&samples), [Some((20, 20)), Some((0, 0))]);
    }
}
