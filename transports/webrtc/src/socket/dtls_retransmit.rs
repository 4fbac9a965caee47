//! Retransmits the last DTLS flight of an opening connection until the engine sends another.
//!
//! The engine retransmits a DTLS flight after a second, and never again once any datagram of the peer has arrived that
//! does not complete what it waits for, such as the peer's own retransmission.
//! One lost datagram can so leave both sides waiting for ever, where RFC 6347 section 4.2.4 wants a retransmission.
//! SCTP and the channel, whose first packets travel within DTLS, wait a second for each packet that is lost.
//! A retransmission is the same datagrams, which a peer that has them drops as replays (section 4.1.2.6).

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::task::Context;
use std::time::Duration;

use tokio::time::Instant;
use webrtc::runtime::Transmit;

use crate::socket::datagram::Datagram;
use crate::socket::interceptor::Interceptor;
use crate::socket::progress::Progress;
use crate::socket::retry_timer::RetryTimer;

/// The delay before the first retransmission; it doubles with each (RFC 6347 section 4.2.4.1).
///
/// That section allows less than its second where time matters: the round trip of most paths is shorter than this,
/// and on a longer one a few more datagrams cost less than a connection that is a second late.
const FIRST_DELAY: Duration = Duration::from_millis(100);

/// The longest delay: what a lost retransmission costs at most.
const MAX_DELAY: Duration = Duration::from_millis(400);

/// A datagram within this time of the last one belongs to the same DTLS flight, which the engine writes without a pause.
const MAX_GAP: Duration = Duration::from_millis(20);

/// How many datagrams are kept: a DTLS flight with a chain of certificates has fewer.
const MAX_DATAGRAMS: usize = 16;

/// The last DTLS flight of one socket.
#[derive(Debug)]
pub(crate) struct DtlsRetransmit {
    progress: Progress,
    last: Mutex<LastSent>,
}

#[derive(Debug, Default)]
struct LastSent {
    datagrams: VecDeque<Datagram>,
    sent: Option<Instant>,
    delay: Duration,
    timer: RetryTimer,
}

impl DtlsRetransmit {
    /// Creates the interceptor of a socket whose connection is at `progress`.
    pub(crate) fn new(progress: Progress) -> Self {
        Self { progress, last: Mutex::default() }
    }
}

impl Interceptor for DtlsRetransmit {
    fn on_send(&self, transmit: &Transmit<'_>) {
        if self.progress.has_channel_opened() || !is_dtls(transmit.contents) {
            return;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if last.sent.replace(now).is_none_or(|before| now - before > MAX_GAP) {
            last.datagrams.clear();
        }
        if last.datagrams.len() == MAX_DATAGRAMS {
            last.datagrams.pop_front();
        }
        last.datagrams.push_back(Datagram::of(transmit));
        last.delay = FIRST_DELAY;
        last.timer.arm(FIRST_DELAY);
    }

    fn poll_retransmit(&self, cx: &mut Context<'_>) -> Vec<Datagram> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let mut due = Vec::new();
        if self.progress.has_channel_opened() {
            *last = LastSent::default();
            return due;
        }
        while last.timer.poll_fired(cx) {
            due = last.datagrams.iter().cloned().collect();
            last.delay = (last.delay * 2).min(MAX_DELAY);
            let delay = last.delay;
            last.timer.arm(delay);
        }
        due
    }
}

/// Returns whether this is DTLS, by itself or within a channel of a TURN server (RFC 7983 section 7, RFC 8656
/// section 12.4).
fn is_dtls(datagram: &[u8]) -> bool {
    match datagram.first() {
        Some(20..=63) => true,
        Some(64..=79) => matches!(datagram.get(4), Some(20..=63)),
        Some(_) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::task::Poll;

    use tokio::time;

    use super::*;

    const HELLO: &[u8] = &[22, 1];
    const FINISHED: &[u8] = &[20, 2];

    #[tokio::test(start_paused = true)]
    async fn retransmits_with_delays_that_double() {
        let interceptor = interceptor();
        let begun = Instant::now();
        send(&interceptor, HELLO);
        send(&interceptor, FINISHED);
        let mut at = Vec::new();
        for _ in 0..4 {
            assert_eq!(next_due(&interceptor).await, [HELLO, FINISHED]);
            at.push(begun.elapsed().as_millis());
        }
        assert_eq!(at, [100, 300, 700, 1100]);
    }

    #[tokio::test(start_paused = true)]
    async fn drops_older_datagrams_after_a_gap() {
        let interceptor = interceptor();
        send(&interceptor, HELLO);
        next_due(&interceptor).await;
        send(&interceptor, FINISHED);
        assert_eq!(next_due(&interceptor).await, [FINISHED]);
    }

    #[tokio::test(start_paused = true)]
    async fn wakes_a_receiver_that_polled_before_the_send() {
        let interceptor = Arc::new(interceptor());
        let receiver = tokio::spawn({
            let interceptor = Arc::clone(&interceptor);
            async move { next_due(&interceptor).await }
        });
        tokio::task::yield_now().await;
        send(&interceptor, HELLO);
        assert_eq!(receiver.await.expect("no panic"), [HELLO]);
    }

    #[tokio::test(start_paused = true)]
    async fn retransmits_nothing_once_the_channel_is_open() {
        let progress = Progress::default();
        let interceptor = DtlsRetransmit::new(progress.clone());
        send(&interceptor, HELLO);
        progress.on_channel_open();
        send(&interceptor, FINISHED);
        assert_stays_quiet(&interceptor).await;
    }

    #[tokio::test(start_paused = true)]
    async fn retransmits_only_dtls_bare_or_relayed() {
        let interceptor = interceptor();
        for other in [&[0, 1][..], &[128, 96], &[64, 0, 0, 2, 0, 1], &[64], &[]] {
            send(&interceptor, other);
        }
        assert_stays_quiet(&interceptor).await;
        let relayed = [64, 0, 0, 2, 22, 1];
        send(&interceptor, &relayed);
        assert_eq!(next_due(&interceptor).await, [relayed]);
    }

    #[tokio::test(start_paused = true)]
    async fn keeps_the_newest_of_too_many_datagrams() {
        let interceptor = interceptor();
        for number in 0..20 {
            send(&interceptor, &[22, number]);
        }
        let due = next_due(&interceptor).await;
        assert_eq!((due.len(), &due[0], &due[15]), (MAX_DATAGRAMS, &vec![22, 4], &vec![22, 19]));
    }

    fn interceptor() -> DtlsRetransmit {
        DtlsRetransmit::new(Progress::default())
    }

    fn send(interceptor: &DtlsRetransmit, contents: &[u8]) {
        let destination = ([192, 0, 2, 1], 5000).into();
        interceptor.on_send(&Transmit { destination, ecn: None, contents, segment_size: None, src_ip: None });
    }

    async fn next_due(interceptor: &DtlsRetransmit) -> Vec<Vec<u8>> {
        let due = poll_fn(|cx| match interceptor.poll_retransmit(cx) {
            due if due.is_empty() => Poll::Pending,
            due => Poll::Ready(due),
        });
        due.await.into_iter().map(|datagram| datagram.contents).collect()
    }

    async fn assert_stays_quiet(interceptor: &DtlsRetransmit) {
        let due = time::timeout(10 * MAX_DELAY, next_due(interceptor)).await;
        assert!(due.is_err(), "{due:?}");
    }
}
