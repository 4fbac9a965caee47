//! Folds bursts of events: one look per window, however many events there are, and soon after an urgent one.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::select;
use tokio::time::{Instant, sleep_until};

/// How soon an event must be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It is most often one of many: an address, a rule, a route to somewhere, a link that comes up.
    Ordinary,
    /// It is not to wait: packets leave by another way or by none, or it is time for a look whatever happened.
    Urgent,
}

/// Where events come from.
pub(crate) trait Events {
    /// Waits for an event and takes it away. Cancel-safe.
    fn next(&mut self) -> impl Future<Output = io::Result<News>> + Send;

    /// Takes away the events that have arrived; some may stay behind in a storm.
    fn forget(&mut self) -> io::Result<()>;
}

/// A span of time that begins with an event and that later events do not extend.
#[derive(Debug)]
pub(crate) struct Window {
    length: Duration,
    urgent: Duration,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Nothing has happened since the last look; whatever happens before `rest` waits until then.
    Shut { rest: Instant },
    /// A burst has begun.
    Open { due: Instant },
    /// Something happened soon after a look; what else happens makes no difference.
    Resting { due: Instant },
}

impl Window {
    /// Creates a window that no event has opened; an urgent one makes it end `urgent` later at the latest.
    pub(crate) fn new(length: Duration, urgent: Duration) -> Self {
        Self { length, urgent: urgent.min(length), stage: Stage::Shut { rest: Instant::now() } }
    }

    /// Waits until it is time for a look, and forgets all events until then. Cancel-safe.
    ///
    /// That is one window after the last look at the earliest: a storm gives one look per window,
    /// and no event waits longer than that.
    pub(crate) async fn pass(&mut self, events: &mut (impl Events + Send)) -> io::Result<()> {
        loop {
            match self.stage {
                Stage::Shut { rest } => {
                    let news = events.next().await?;
                    let now = Instant::now();
                    self.stage = if now < rest {
                        Stage::Resting { due: rest }
                    } else {
                        Stage::Open { due: now + self.patience(news) }
                    };
                }
                // The timer's grain is a millisecond, which urgent news does not wait for.
                Stage::Open { due } if due <= Instant::now() => break,
                Stage::Open { due } => select! {
                    biased;
                    () = sleep_until(due) => break,
                    news = events.next() => {
                        let patience = self.patience(news?);
                        self.stage = Stage::Open { due: due.min(Instant::now() + patience) };
                    }
                },
                Stage::Resting { due } => {
                    sleep_until(due).await;
                    break;
                }
            }
        }
        self.stage = Stage::Shut { rest: Instant::now() + self.length };
        events.forget()
    }

    fn patience(&self, news: News) -> Duration {
        match news {
            News::Ordinary => self.length,
            News::Urgent => self.urgent,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
    use tokio::time::{interval, timeout};

    use super::*;

    const LENGTH: Duration = Duration::from_millis(30);
    /// The resolution of tokio's timer.
    const TICK: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn the_first_event_is_looked_at_within_a_window() {
        let (_sender, mut events) = storm(1, Duration::from_micros(100));
        let begun = Instant::now();
        Window::new(LENGTH, Duration::ZERO).pass(&mut events).await.unwrap();
        assert!(begun.elapsed() <= LENGTH + TICK, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_storm_gives_one_look_per_window() {
        let (sender, mut events) = storm(10_000, Duration::from_micros(100));
        drop(sender);
        let (mut window, begun, mut looks) = (Window::new(LENGTH, Duration::ZERO), Instant::now(), 0);
        while window.pass(&mut events).await.is_ok() {
            looks += 1;
            if looks == 1 {
                assert!(begun.elapsed() <= LENGTH + TICK, "{:?}", begun.elapsed());
            }
        }
        let most = begun.elapsed().div_duration_f64(LENGTH).ceil();
        assert!((25.0..=most).contains(&f64::from(looks)), "{looks} looks of at most {most}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_event_after_a_look_opens_the_next_window() {
        let (sender, mut events) = storm(1, TICK);
        let mut window = Window::new(LENGTH, Duration::ZERO);
        window.pass(&mut events).await.unwrap();
        assert!(timeout(LENGTH * 100, window.pass(&mut events)).await.is_err());
        let begun = Instant::now();
        sender.send(News::Ordinary).unwrap();
        window.pass(&mut events).await.unwrap();
        assert!(begun.elapsed() <= LENGTH + TICK, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_wait_does_not_extend_the_window() {
        let (_sender, mut events) = storm(1, TICK);
        let (mut window, begun) = (Window::new(LENGTH, Duration::ZERO), Instant::now());
        while timeout(Duration::from_millis(7), window.pass(&mut events)).await.is_err() {}
        assert!(begun.elapsed() <= LENGTH + 2 * TICK, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_of_zero_looks_at_once() {
        let (_sender, mut events) = storm(1, TICK);
        let begun = Instant::now();
        Window::new(Duration::ZERO, Duration::ZERO).pass(&mut events).await.unwrap();
        assert!(begun.elapsed() <= TICK, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn an_urgent_event_is_looked_at_at_once() {
        let (sender, mut events) = storm(0, TICK);
        sender.send(News::Urgent).unwrap();
        let begun = Instant::now();
        Window::new(LENGTH, Duration::ZERO).pass(&mut events).await.unwrap();
        assert!(begun.elapsed() <= TICK, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn an_urgent_event_ends_the_window() {
        let (sender, mut events) = storm(1, TICK);
        let (mut window, begun) = (Window::new(LENGTH, Duration::ZERO), Instant::now());
        assert!(timeout(LENGTH / 3, window.pass(&mut events)).await.is_err());
        sender.send(News::Urgent).unwrap();
        window.pass(&mut events).await.unwrap();
        assert!(begun.elapsed() <= LENGTH / 3 + 2 * TICK, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn an_urgent_event_waits_as_long_as_it_is_told_to() {
        let (sender, mut events) = storm(0, TICK);
        sender.send(News::Urgent).unwrap();
        let begun = Instant::now();
        Window::new(LENGTH, LENGTH / 2).pass(&mut events).await.unwrap();
        let elapsed = begun.elapsed();
        assert!((LENGTH / 2..=LENGTH / 2 + TICK).contains(&elapsed), "{elapsed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn urgent_events_give_one_look_per_window() {
        let (sender, mut events) = storm(0, TICK);
        let (mut window, begun) = (Window::new(LENGTH, Duration::ZERO), Instant::now());
        for _ in 0..4 {
            sender.send(News::Urgent).unwrap();
            window.pass(&mut events).await.unwrap();
        }
        let elapsed = begun.elapsed();
        assert!((LENGTH * 3..=LENGTH * 3 + 4 * TICK).contains(&elapsed), "{elapsed:?}");
    }

    /// Sends `count` ordinary events, one per `gap`, the first at once; fails when all senders are gone.
    fn storm(count: u32, gap: Duration) -> (UnboundedSender<News>, Fake) {
        let (sender, receiver) = unbounded_channel();
        let events = sender.clone();
        tokio::spawn(async move {
            let mut ticks = interval(gap);
            for _ in 0..count {
                ticks.tick().await;
                let _ = events.send(News::Ordinary);
            }
        });
        (sender, Fake(receiver))
    }

    struct Fake(UnboundedReceiver<News>);

    impl Events for Fake {
        async fn next(&mut self) -> io::Result<News> {
            self.0.recv().await.ok_or_else(|| io::ErrorKind::BrokenPipe.into())
        }

        fn forget(&mut self) -> io::Result<()> {
            while self.0.try_recv().is_ok() {}
            Ok(())
        }
    }
}
