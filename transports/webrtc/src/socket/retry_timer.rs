//! A timer that the sending side arms while the receiving side may be waiting already.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::time::{self, Instant, Sleep};

/// The timer of a retransmission.
#[derive(Debug, Default)]
pub(crate) struct RetryTimer {
    sleep: Option<Pin<Box<Sleep>>>,
    /// The task that polled while the timer was not armed.
    receiver: Option<Waker>,
}

impl RetryTimer {
    /// Lets the timer fire after `delay`, instead of when it would have.
    pub(crate) fn arm(&mut self, delay: Duration) {
        self.sleep = Some(Box::pin(time::sleep_until(Instant::now() + delay)));
        if let Some(receiver) = self.receiver.take() {
            receiver.wake();
        }
    }

    /// Returns whether the timer has fired, and wakes `cx` when it does. A caller to whom it returns true arms it again
    /// and polls again, because only the last poll registers the waker.
    pub(crate) fn poll_fired(&mut self, cx: &mut Context<'_>) -> bool {
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().poll(cx).is_ready(),
            None => {
                self.receiver = Some(cx.waker().clone());
                false
            }
        }
    }
}
