//! Debounces events: one scan per interval, however many events there are, and an earlier one after an urgent event.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::select;
use tokio::time::{Instant, sleep_until};

/// How soon a scan must follow an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// The event is most often one of many: an address, a rule, a route that is not the default, a link that comes up.
    Ordinary,
    /// The event must not wait: packets leave by another route or by none, or the scan is due without any change.
    Urgent,
}

/// A source of change events.
pub(crate) trait EventSource {
    /// Waits for an event and removes it. Cancel-safe.
    fn next(&mut self) -> impl Future<Output = io::Result<Urgency>> + Send;

    /// Removes the events that have arrived; under a high rate of events some may stay.
    fn discard(&mut self) -> io::Result<()>;
}

/// The debounce timer: it starts with an event, and later events do not extend it.
#[derive(Debug)]
pub(crate) struct Debounce {
    interval: Duration,
    urgent_interval: Duration,
    state: DebounceState,
}

#[derive(Clone, Copy, Debug)]
enum DebounceState {
    /// No event has come since the last scan; one that comes before `hold_until` waits until then.
    Idle { hold_until: Instant },
    /// A burst has begun; an urgent event may bring the scan forward.
    Pending { due: Instant },
    /// An event came within one interval of the last scan; no other event changes when the next one is due.
    Held { due: Instant },
}

impl Debounce {
    /// Creates an idle timer; a scan follows an event after `interval`, and an urgent one after `urgent_interval`.
    pub(crate) fn new(interval: Duration, urgent_interval: Duration) -> Self {
        Self {
            interval,
            urgent_interval: urgent_interval.min(interval),
            state: DebounceState::Idle { hold_until: Instant::now() },
        }
    }

    /// Waits until a scan is due, and discards all events until then. Cancel-safe.
    ///
    /// A scan is due one interval after the last one at the earliest: a high rate of events gives one scan per
    /// interval, and no event waits longer than that.
    pub(crate) async fn wait(&mut self, events: &mut (impl EventSource + Send)) -> io::Result<()> {
        loop {
            match self.state {
                DebounceState::Idle { hold_until } => {
                    let urgency = events.next().await?;
                    let now = Instant::now();
                    self.state = if now < hold_until {
                        DebounceState::Held { due: hold_until }
                    } else {
                        DebounceState::Pending { due: now + self.delay(urgency) }
                    };
                }
                // The timer has a resolution of a millisecond, for which an urgent event does not wait.
                DebounceState::Pending { due } if due <= Instant::now() => break,
                DebounceState::Pending { due } => select! {
                    biased;
                    () = sleep_until(due) => break,
                    urgency = events.next() => {
                        let delay = self.delay(urgency?);
                        self.state = DebounceState::Pending { due: due.min(Instant::now() + delay) };
                    }
                },
                DebounceState::Held { due } => {
                    sleep_until(due).await;
                    break;
                }
            }
        }
        self.state = DebounceState::Idle { hold_until: Instant::now() + self.interval };
        events.discard()
    }

    fn delay(&self, urgency: Urgency) -> Duration {
        match urgency {
            Urgency::Ordinary => self.interval,
            Urgency::Urgent => self.urgent_interval,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
    use tokio::time::{interval, timeout};

    use super::*;

    const INTERVAL: Duration = Duration::from_millis(30);
    /// The resolution of tokio's timer.
    const TICK: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn a_scan_follows_the_first_event_within_an_interval() {
        let (_sender, mut events) = ordinary_events(1, Duration::from_micros(100));
        let begun = Instant::now();
        Debounce::new(INTERVAL, Duration::ZERO).wait(&mut events).await.unwrap();
        assert!(begun.elapsed() <= INTERVAL + TICK, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_high_rate_of_events_gives_one_scan_per_interval() {
        let (sender, mut events) = ordinary_events(10_000, Duration::from_micros(100));
        drop(sender);
        let (mut debounce, begun, mut scans) = (Debounce::new(INTERVAL, Duration::ZERO), Instant::now(), 0);
        while debounce.wait(&mut events).await.is_ok() {
            scans += 1;
            if scans == 1 {
                assert!(begun.elapsed() <= INTERVAL + TICK, "{:?}", begun.elapsed());
            }
        }
        let most = begun.elapsed().div_duration_f64(INTERVAL).ceil();
        assert!((25.0..=most).contains(&f64::from(scans)), "{scans} scans of at most {most}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_event_after_a_scan_starts_the_next_interval() {
        let (sender, mut events) = ordinary_events(1, TICK);
        let mut debounce = Debounce::new(INTERVAL, Duration::ZERO);
        debounce.wait(&mut events).await.unwrap();
        assert!(timeout(INTERVAL * 100, debounce.wait(&mut events)).await.is_err());
        let begun = Instant::now();
        sender.send(Urgency::Ordinary).unwrap();
        debounce.wait(&mut events).await.unwrap();
        assert!(begun.elapsed() <= INTERVAL + TICK, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_wait_does_not_extend_the_interval() {
        let (_sender, mut events) = ordinary_events(1, TICK);
        let (mut debounce, begun) = (Debounce::new(INTERVAL, Duration::ZERO), Instant::now());
        while timeout(Duration::from_millis(7), debounce.wait(&mut events)).await.is_err() {}
        assert!(begun.elapsed() <= INTERVAL + 2 * TICK, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn an_interval_of_zero_scans_at_once() {
        let (_sender, mut events) = ordinary_events(1, TICK);
        let begun = Instant::now();
        Debounce::new(Duration::ZERO, Duration::ZERO).wait(&mut events).await.unwrap();
        assert!(begun.elapsed() <= TICK, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_scan_follows_an_urgent_event_at_once() {
        let (sender, mut events) = ordinary_events(0, TICK);
        sender.send(Urgency::Urgent).unwrap();
        let begun = Instant::now();
        Debounce::new(INTERVAL, Duration::ZERO).wait(&mut events).await.unwrap();
        assert!(begun.elapsed() <= TICK, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn an_urgent_event_ends_the_interval() {
        let (sender, mut events) = ordinary_events(1, TICK);
        let (mut debounce, begun) = (Debounce::new(INTERVAL, Duration::ZERO), Instant::now());
        assert!(timeout(INTERVAL / 3, debounce.wait(&mut events)).await.is_err());
        sender.send(Urgency::Urgent).unwrap();
        debounce.wait(&mut events).await.unwrap();
        assert!(begun.elapsed() <= INTERVAL / 3 + 2 * TICK, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn an_urgent_event_waits_for_the_urgent_interval() {
        let (sender, mut events) = ordinary_events(0, TICK);
        sender.send(Urgency::Urgent).unwrap();
        let begun = Instant::now();
        Debounce::new(INTERVAL, INTERVAL / 2).wait(&mut events).await.unwrap();
        let elapsed = begun.elapsed();
        assert!((INTERVAL / 2..=INTERVAL / 2 + TICK).contains(&elapsed), "{elapsed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn urgent_events_give_one_scan_per_interval() {
        let (sender, mut events) = ordinary_events(0, TICK);
        let (mut debounce, begun) = (Debounce::new(INTERVAL, Duration::ZERO), Instant::now());
        for _ in 0..4 {
            sender.send(Urgency::Urgent).unwrap();
            debounce.wait(&mut events).await.unwrap();
        }
        let elapsed = begun.elapsed();
        assert!((INTERVAL * 3..=INTERVAL * 3 + 4 * TICK).contains(&elapsed), "{elapsed:?}");
    }

    /// Sends `count` ordinary events, one per `gap`, the first at once; fails when all senders are gone.
    fn ordinary_events(count: u32, gap: Duration) -> (UnboundedSender<Urgency>, Fake) {
        let (sender, receiver) = unbounded_channel();
        let events = sender.clone();
        tokio::spawn(async move {
            let mut ticks = interval(gap);
            for _ in 0..count {
                ticks.tick().await;
                let _ = events.send(Urgency::Ordinary);
            }
        });
        (sender, Fake(receiver))
    }

    struct Fake(UnboundedReceiver<Urgency>);

    impl EventSource for Fake {
        async fn next(&mut self) -> io::Result<Urgency> {
            self.0.recv().await.ok_or_else(|| io::ErrorKind::BrokenPipe.into())
        }

        fn discard(&mut self) -> io::Result<()> {
            while self.0.try_recv().is_ok() {}
            Ok(())
        }
    }
}
