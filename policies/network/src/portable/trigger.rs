//! Says when to scan: after every change of an address that the system reports, and at an interval.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use if_watch::tokio::IfWatcher;
use tokio::select;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until};

use crate::debounce::{EventSource, Urgency};
use crate::polling::scan;
use crate::watch::{Scanner, Scanning};

/// The time from one scan to the next while the system reports nothing, and from one attempt to subscribe to the next.
const RETRY: Duration = Duration::from_secs(1);

/// Events discarded at a time, so that a high rate of events cannot put off a scan.
const MAX_DISCARDED: usize = 4096;

/// The system's events about addresses, and a timer for the changes that it does not report.
#[derive(Debug)]
pub(crate) struct Trigger {
    watcher: Option<IfWatcher>,
    interval: Duration,
    due: Instant,
}

impl Trigger {
    /// Creates a trigger that fires after `interval` at the latest.
    pub(crate) fn new(interval: Duration) -> Self {
        let mut trigger = Self { watcher: None, interval, due: Instant::now() };
        trigger.rearm();
        trigger
    }

    /// Subscribes to events if there is no subscription, and restarts the timer.
    fn rearm(&mut self) {
        if self.watcher.is_none() {
            self.watcher = IfWatcher::new().ok();
        }
        let pause = if self.watcher.is_some() { self.interval } else { self.interval.min(RETRY) };
        self.due = Instant::now() + pause;
    }

    /// Goes on by the timer, whose next scan finds any missed change.
    fn drop_watcher(&mut self) {
        self.watcher = None;
        self.due = self.due.min(Instant::now() + RETRY);
    }
}

impl EventSource for Trigger {
    async fn next(&mut self) -> io::Result<Urgency> {
        loop {
            let due = sleep_until(self.due);
            let Some(watcher) = &mut self.watcher else {
                due.await;
                return Ok(Urgency::Urgent);
            };
            select! {
                biased;
                () = due => return Ok(Urgency::Urgent),
                event = poll_fn(|context| watcher.poll_if_event(context)) => match event {
                    Ok(_) => return Ok(Urgency::Ordinary),
                    Err(_) => self.drop_watcher(),
                },
            }
        }
    }

    fn discard(&mut self) -> io::Result<()> {
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..MAX_DISCARDED {
            match self.watcher.as_mut().map(|watcher| watcher.poll_if_event(&mut context)) {
                Some(Poll::Ready(Ok(_))) => {}
                Some(Poll::Ready(Err(_))) => self.watcher = None,
                Some(Poll::Pending) | None => break,
            }
        }
        self.rearm();
        Ok(())
    }
}

impl Scanner for Trigger {
    fn scan(&self) -> Scanning {
        spawn_blocking(scan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[tokio::test(start_paused = true)]
    async fn fires_within_a_second_when_the_subscription_ends() {
        let mut trigger = Trigger::new(HOUR);
        let begun = Instant::now();
        trigger.drop_watcher();
        assert_eq!(trigger.next().await.unwrap(), Urgency::Urgent);
        assert!(begun.elapsed() <= RETRY + Duration::from_millis(1), "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn fires_at_the_interval_whatever_the_system_reports() {
        let interval = Duration::from_millis(200);
        let (mut trigger, begun) = (Trigger::new(interval), Instant::now());
        while trigger.next().await.unwrap() != Urgency::Urgent {}
        assert!(begun.elapsed() >= interval, "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn subscribes_again() {
        let mut trigger = Trigger::new(HOUR);
        assert!(trigger.watcher.is_some());
        trigger.drop_watcher();
        trigger.discard().unwrap();
        assert!(trigger.watcher.is_some() && trigger.due > Instant::now() + RETRY);
    }
}
