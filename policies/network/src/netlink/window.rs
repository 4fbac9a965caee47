//! Folds bursts of events: one look per window, however many events there are.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Where events come from.
pub(super) trait Events {
    /// Waits for an event and leaves it where it is.
    fn arrived(&mut self) -> impl Future<Output = io::Result<()>> + Send;

    /// Takes away the events that have arrived; some may stay behind in a storm.
    fn forget(&mut self) -> io::Result<()>;
}

/// A span of time that begins with an event and that later events do not extend.
#[derive(Debug)]
pub(super) struct Window {
    length: Duration,
    /// When the open window is over.
    due: Option<Instant>,
}

impl Window {
    /// Creates a window that no event has opened.
    pub(super) fn new(length: Duration) -> Self {
        Self { length, due: None }
    }

    /// Waits for an event and until its window is over, and forgets all events until then. Cancel-safe.
    pub(super) async fn pass(&mut self, events: &mut (impl Events + Send)) -> io::Result<()> {
        let due = match self.due {
            Some(due) => due,
            None => {
                events.arrived().await?;
                *self.due.insert(Instant::now() + self.length)
            }
        };
        sleep_until(due).await;
        self.due = None;
        events.forget()
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
    use tokio::time::{interval, sleep, timeout};

    use super::*;

    const LENGTH: Duration = Duration::from_millis(30);
    /// The resolution of tokio's timer.
    const TICK: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn the_first_event_is_looked_at_within_a_window() {
        let (_sender, mut events) = storm(1, Duration::from_micros(100));
        let begun = Instant::now();
        Window::new(LENGTH).pass(&mut events).await.unwrap();
        assert!(begun.elapsed() <= LENGTH + TICK, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_storm_gives_one_look_per_window() {
        let (sender, mut events) = storm(10_000, Duration::from_micros(100));
        drop(sender);
        let (mut window, begun, mut looks) = (Window::new(LENGTH), Instant::now(), 0);
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
        let mut window = Window::new(LENGTH);
        window.pass(&mut events).await.unwrap();
        assert!(timeout(LENGTH * 100, window.pass(&mut events)).await.is_err());
        let begun = Instant::now();
        sender.send(()).unwrap();
        window.pass(&mut events).await.unwrap();
        assert!(begun.elapsed() <= LENGTH + TICK, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_wait_does_not_extend_the_window() {
        let (_sender, mut events) = storm(1, TICK);
        let (mut window, begun) = (Window::new(LENGTH), Instant::now());
        while timeout(Duration::from_millis(7), window.pass(&mut events)).await.is_err() {}
        assert!(begun.elapsed() <= LENGTH + 2 * TICK, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_of_zero_looks_at_once() {
        let (_sender, mut events) = storm(1, TICK);
        let begun = Instant::now();
        Window::new(Duration::ZERO).pass(&mut events).await.unwrap();
        assert!(begun.elapsed() <= TICK, "{:?}", begun.elapsed());
    }

    /// Sends `count` events, one per `gap`, the first at once; fails when all senders are gone.
    fn storm(count: u32, gap: Duration) -> (UnboundedSender<()>, Fake) {
        let (sender, receiver) = unbounded_channel();
        let events = sender.clone();
        tokio::spawn(async move {
            let mut ticks = interval(gap);
            for _ in 0..count {
                ticks.tick().await;
                let _ = events.send(());
            }
        });
        (sender, Fake(receiver))
    }

    struct Fake(UnboundedReceiver<()>);

    impl Events for Fake {
        async fn arrived(&mut self) -> io::Result<()> {
            while self.0.is_empty() {
                if self.0.is_closed() {
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
                sleep(Duration::from_micros(50)).await; // stands for readiness, which takes no event away
            }
            Ok(())
        }

        fn forget(&mut self) -> io::Result<()> {
            while self.0.try_recv().is_ok() {}
            Ok(())
        }
    }
}
