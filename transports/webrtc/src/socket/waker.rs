//! Wakes the engine's driver, which otherwise sleeps until its next timer.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use tokio::sync::Notify;

use crate::socket::interceptor::Interceptor;

/// How many rounds the driver does not sleep after each wake-up: it unwraps a relayed packet in one, handles it in the
/// next, and wraps and sends the reply in the third.
const ROUNDS: u8 = 3;

/// Shortens the sleeps of the engine's driver.
///
/// Each round of the driver's loop writes first, then handles what was read, and then sleeps until the next timer.
/// What the handling wants to write (the first packets of DTLS and SCTP, anything over a relay) would wait up to
/// 200 ms each time, so every datagram and every command makes the next sleeps empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct DriverWaker(Arc<Rounds>);

#[derive(Debug, Default)]
struct Rounds {
    left: AtomicU8,
    woken: Notify,
    ended: AtomicBool,
}

impl DriverWaker {
    /// Wakes the driver for a few rounds.
    pub(crate) fn wake(&self) {
        self.0.left.store(ROUNDS, Ordering::Release);
        self.0.woken.notify_one();
    }

    /// Lets every sleep last from here on: a closing connection sleeps until its driver has sent the last packets.
    pub(crate) fn end(&self) {
        self.0.ended.store(true, Ordering::Release);
    }

    /// Waits for `sleep`, or less while the driver is to be awake.
    pub(crate) async fn shorten(self, sleep: impl Future<Output = ()>) {
        if self.0.ended.load(Ordering::Acquire) {
            return sleep.await;
        }
        let one_less = |left: u8| left.checked_sub(1);
        if self.0.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less).is_err() {
            tokio::select! {
                () = sleep => {}
                () = self.0.woken.notified() => {}
            }
        }
    }
}

impl Interceptor for DriverWaker {
    fn on_receive(&self, _: SocketAddr, _: &[u8]) {
        self.wake();
    }
}
