//! Repeated flights: what opens a connection is sent again until something else follows it.
//!
//! The engine repeats a flight of DTLS after a second, and no more at all once anything of the peer's has come that is
//! not all it waits for, such as the peer's own repetition: one lost datagram can leave both sides waiting for ever,
//! where RFC 6347 section 4.2.4 wants the flight again.
//! SCTP and the channel, whose first packets travel within DTLS, wait a second for each that is lost.
//! A repetition is the same datagrams, which a peer that has them drops as replays (section 4.1.2.6).

use std::collections::VecDeque;
use std::future::Future as _;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::time::{self, Instant, Sleep};
use webrtc::runtime::Transmit;

use crate::socket::datagram::Datagram;

/// The pause before the first repetition; it doubles with each (RFC 6347 section 4.2.4.1).
///
/// That section allows less than its second where time matters: the round trip of most paths is shorter than this,
/// and on a longer one some datagrams more are little beside a connection that is a second late.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause: what a lost repetition costs at most.
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// What follows within this time belongs to the same flight: the engine writes one without a pause.
const ONE_FLIGHT: Duration = Duration::from_millis(20);

/// How many datagrams are kept: a flight with a chain of certificates has fewer.
const MOST: usize = 16;

/// Whether a connection is being opened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Opening(Arc<AtomicBool>);

impl Opening {
    /// Learns that the channel is open; from here on SCTP cares for what is lost.
    pub(crate) fn end(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_over(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The last flight of one UDP socket.
#[derive(Debug)]
pub(crate) struct Flight {
    opening: Opening,
    stage: Mutex<Stage>,
}

#[derive(Debug, Default)]
struct Stage {
    datagrams: VecDeque<Datagram>,
    sent: Option<Instant>,
    pause: Duration,
    repetition: Option<Pin<Box<Sleep>>>,
    /// Whoever receives while nothing is to be repeated.
    receiver: Option<Waker>,
}

impl Flight {
    /// Watches a socket of a connection in its `opening`.
    pub(crate) fn new(opening: Opening) -> Self {
        Self { opening, stage: Mutex::default() }
    }

    /// Learns that the engine sends `transmit`.
    pub(crate) fn sent(&self, transmit: &Transmit<'_>) {
        if self.opening.is_over() || !is_dtls(transmit.contents) {
            return;
        }
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if stage.sent.replace(now).is_none_or(|before| now - before > ONE_FLIGHT) {
            stage.datagrams.clear();
        }
        if stage.datagrams.len() == MOST {
            stage.datagrams.pop_front();
        }
        stage.datagrams.push_back(Datagram::of(transmit));
        stage.pause = FIRST_PAUSE;
        stage.repetition = Some(Box::pin(time::sleep_until(now + FIRST_PAUSE)));
        if let Some(receiver) = stage.receiver.take() {
            receiver.wake();
        }
    }

    /// Returns what is to be sent again; wakes the receiver whose `cx` it is when there is more.
    pub(crate) fn due(&self, cx: &mut Context<'_>) -> Vec<Datagram> {
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        if self.opening.is_over() {
            *stage = Stage::default();
            return Vec::new();
        }
        let Stage { datagrams, pause, repetition, receiver, .. } = &mut *stage;
        let Some(repetition) = repetition else {
            *receiver = Some(cx.waker().clone());
            return Vec::new();
        };
        let mut due = Vec::new();
        // The poll after the last repetition is the one that is woken.
        while repetition.as_mut().poll(cx).is_ready() {
            due = datagrams.iter().cloned().collect();
            *pause = (*pause * 2).min(LONGEST_PAUSE);
            repetition.as_mut().reset(Instant::now() + *pause);
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
    use std::task::Poll;

    use super::*;

    const HELLO: &[u8] = &[22, 1];
    const FINISHED: &[u8] = &[20, 2];

    #[tokio::test(start_paused = true)]
    async fn repeats_a_flight_with_pauses_that_double() {
        let flight = Flight::new(Opening::default());
        let begun = Instant::now();
        send(&flight, HELLO);
        send(&flight, FINISHED);
        let mut at = Vec::new();
        for _ in 0..4 {
            assert_eq!(next_due(&flight).await, [HELLO, FINISHED]);
            at.push(begun.elapsed().as_millis());
        }
        assert_eq!(at, [100, 300, 700, 1100]);
    }

    #[tokio::test(start_paused = true)]
    async fn forgets_a_flight_that_another_follows() {
        let flight = Flight::new(Opening::default());
        send(&flight, HELLO);
        next_due(&flight).await;
        send(&flight, FINISHED);
        assert_eq!(next_due(&flight).await, [FINISHED]);
    }

    #[tokio::test(start_paused = true)]
    async fn wakes_who_received_before_the_flight() {
        let flight = Arc::new(Flight::new(Opening::default()));
        let receiver = tokio::spawn({
            let flight = Arc::clone(&flight);
            async move { next_due(&flight).await }
        });
        tokio::task::yield_now().await;
        send(&flight, HELLO);
        assert_eq!(receiver.await.expect("no panic"), [HELLO]);
    }

    #[tokio::test(start_paused = true)]
    async fn repeats_nothing_once_the_channel_is_open() {
        let opening = Opening::default();
        let flight = Flight::new(opening.clone());
        send(&flight, HELLO);
        opening.end();
        send(&flight, FINISHED);
        assert_stays_quiet(&flight).await;
    }

    #[tokio::test(start_paused = true)]
    async fn repeats_dtls_only_bare_or_relayed() {
        let flight = Flight::new(Opening::default());
        for other in [&[0, 1][..], &[128, 96], &[64, 0, 0, 2, 0, 1], &[64], &[]] {
            send(&flight, other);
        }
        assert_stays_quiet(&flight).await;
        let relayed = [64, 0, 0, 2, 22, 1];
        send(&flight, &relayed);
        assert_eq!(next_due(&flight).await, [relayed]);
    }

    #[tokio::test(start_paused = true)]
    async fn keeps_the_newest_of_too_many() {
        let flight = Flight::new(Opening::default());
        for number in 0..20 {
            send(&flight, &[22, number]);
        }
        let due = next_due(&flight).await;
        assert_eq!((due.len(), &due[0], &due[15]), (MOST, &vec![22, 4], &vec![22, 19]));
    }

    fn send(flight: &Flight, contents: &[u8]) {
        let destination = ([192, 0, 2, 1], 5000).into();
        flight.sent(&Transmit { destination, ecn: None, contents, segment_size: None, src_ip: None });
    }

    async fn next_due(flight: &Flight) -> Vec<Vec<u8>> {
        let due = poll_fn(|cx| match flight.due(cx) {
            due if due.is_empty() => Poll::Pending,
            due => Poll::Ready(due),
        });
        due.await.into_iter().map(|datagram| datagram.contents).collect()
    }

    async fn assert_stays_quiet(flight: &Flight) {
        let due = time::timeout(10 * LONGEST_PAUSE, next_due(flight)).await;
        assert!(due.is_err(), "{due:?}");
    }
}
