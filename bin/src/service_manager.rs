//! Notifications to a service manager such as systemd, if one listens.

use std::time::Duration;

use rejoin::LinkWatch;
use tokio::time::{MissedTickBehavior, interval};

/// Notifies once when every wanted link is verified, and keeps the watchdog alive while the session responds.
pub(crate) async fn notify_session(watch: LinkWatch) {
    let readiness = async {
        if watch.all_verified().await {
            ready();
        }
    };
    tokio::join!(readiness, feed_watchdog(|| watch.is_responsive()));
}

/// Keeps the watchdog alive while `is_alive` returns true; never returns.
pub(crate) async fn feed_watchdog(is_alive: impl Fn() -> bool) {
    let Some(limit) = watchdog_limit() else { return std::future::pending().await };
    // sd_watchdog_enabled(3) recommends half of the limit.
    let mut ticks = interval((limit / 2).max(MIN_TICK));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if is_alive() {
            notify(Notification::Alive);
        }
    }
}

/// Notifies that the service is ready.
pub(crate) fn ready() {
    notify(Notification::Ready);
}

/// Notifies that the service is stopping.
pub(crate) fn stopping() {
    notify(Notification::Stopping);
}

/// The resolution of the runtime's timer.
const MIN_TICK: Duration = Duration::from_millis(1);

#[cfg_attr(not(unix), allow(dead_code, reason = "service managers with a notify socket are a Unix feature"))]
#[derive(Clone, Copy, Debug)]
enum Notification {
    Ready,
    Alive,
    Stopping,
}

#[cfg(unix)]
fn notify(notification: Notification) {
    use sd_notify::NotifyState;

    let state = match notification {
        Notification::Ready => NotifyState::Ready,
        Notification::Alive => NotifyState::Watchdog,
        Notification::Stopping => NotifyState::Stopping,
    };
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, ?notification, "the service manager cannot be notified; check NOTIFY_SOCKET");
    }
}

#[cfg(not(unix))]
fn notify(_: Notification) {}

#[cfg(unix)]
fn watchdog_limit() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero())
}

#[cfg(not(unix))]
fn watchdog_limit() -> Option<Duration> {
    None
}
