//! Says when to look: after every change of an address that the system tells, and at an interval.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use if_watch::tokio::IfWatcher;
use tokio::select;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use crate::polling::survey;
use crate::watch::{Looking, Lookout};
use crate::window::{Events, News};

/// From one look to the next while the system does not tell, and from one attempt to be told to the next.
const RETRY: Duration = Duration::from_secs(1);

/// Events taken away at a time: a storm must not keep us from looking.
const MOST_FORGOTTEN: usize = 4096;

/// What the system tells, and a clock for what it does not.
#[derive(Debug)]
pub(crate) struct Alarm {
    watcher: Option<IfWatcher>,
    interval: Duration,
    due: Instant,
}

impl Alarm {
    /// Creates an alarm that rings after `interval` at the latest.
    pub(crate) fn set(interval: Duration) -> Self {
        let mut alarm = Self { watcher: None, interval, due: Instant::now() };
        alarm.wind();
        alarm
    }

    /// Asks to be told if that is not so, and starts the clock anew.
    fn wind(&mut self) {
        if self.watcher.is_none() {
            self.watcher = IfWatcher::new().ok();
        }
        let pause = if self.watcher.is_some() { self.interval } else { self.interval.min(RETRY) };
        self.due = Instant::now() + pause;
    }

    /// Goes on by the clock, which makes up for what may have been missed.
    fn deafen(&mut self) {
        self.watcher = None;
        self.due = self.due.min(Instant::now() + RETRY);
    }
}

impl Events for Alarm {
    async fn next(&mut self) -> io::Result<News> {
        loop {
            let due = sleep_until(self.due);
            let Some(watcher) = &mut self.watcher else {
                due.await;
                return Ok(News::Urgent);
            };
            select! {
                biased;
                () = due => return Ok(News::Urgent),
                told = poll_fn(|context| watcher.poll_if_event(context)) => match told {
                    Ok(_) => return Ok(News::Ordinary),
                    Err(_) => self.deafen(),
                },
            }
        }
    }

    fn forget(&mut self) -> io::Result<()> {
        let mut nobody = Context::from_waker(Waker::noop());
        for _ in 0..MOST_FORGOTTEN {
            match self.watcher.as_mut().map(|watcher| watcher.poll_if_event(&mut nobody)) {
                Some(Poll::Ready(Ok(_))) => {}
                Some(Poll::Ready(Err(_))) => self.watcher = None,
                Some(Poll::Pending) | None => break,
            }
        }
        self.wind();
        Ok(())
    }
}

impl Lookout for Alarm {
    fn look(&self) -> Looking {
        spawn_blocking(survey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn rings_within_a_second_when_the_system_stops_telling() {
        let mut alarm = Alarm::set(HOUR);
        let begun = Instant::now();
        alarm.deafen();
        assert_eq!(alarm.next().await.unwrap(), News::Urgent);
        assert!(begun.elapsed() <= RETRY + Duration::from_millis(1), "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn rings_at_the_interval_whatever_the_system_tells() {
        let interval = Duration::from_millis(200);
        let (mut alarm, begun) = (Alarm::set(interval), Instant::now());
        while alarm.next().await.unwrap() != News::Urgent {}
        assert!(begun.elapsed() >= interval, "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn asks_again_to_be_told() {
        let mut alarm = Alarm::set(HOUR);
        assert!(alarm.watcher.is_some());
        alarm.deafen();
        alarm.forget().unwrap();
        assert!(alarm.watcher.is_some() && alarm.due > Instant::now() + RETRY);
    }
}
