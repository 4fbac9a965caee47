//! What a service manager such as systemd is told; nothing where none listens.

use std::time::Duration;

use rejoin_driver::LinkWatch;
use tokio::time::{MissedTickBehavior, interval};

/// Tells that every wanted link is verified, once, and that the session lives, again and again.
pub(crate) async fn attend(watch: LinkWatch) {
    let readiness = async {
        if watch.all_verified().await {
            ready();
        }
    };
    tokio::join!(readiness, feed_watchdog(|| watch.is_responsive()));
}

/// Tells that we live for as long as `lives` says so; never ends.
pub(crate) async fn feed_watchdog(lives: impl Fn() -> bool) {
    let Some(limit) = watchdog_limit() else { return std::future::pending().await };
    // sd_watchdog_enabled(3) recommends half of the limit.
    let mut ticks = interval((limit / 2).max(SHORTEST_TICK));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if lives() {
            tell(News::Alive);
        }
    }
}

/// Tells that we do what we are there for.
pub(crate) fn ready() {
    tell(News::Ready);
}

/// Tells that we are about to end.
pub(crate) fn stopping() {
    tell(News::Stopping);
}

/// The runtime's timer knows nothing shorter.
const SHORTEST_TICK: Duration = Duration::from_millis(1);

#[cfg_attr(not(unix), allow(dead_code, reason = "service managers with a notify socket are a Unix matter"))]
#[derive(Clone, Copy, Debug)]
enum News {
    Ready,
    Alive,
    Stopping,
}

#[cfg(unix)]
fn tell(news: News) {
    use sd_notify::NotifyState;

    let state = match news {
        News::Ready => NotifyState::Ready,
        News::Alive => NotifyState::Watchdog,
        News::Stopping => NotifyState::Stopping,
    };
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, ?news, "the service manager cannot be told; check NOTIFY_SOCKET");
    }
}

#[cfg(not(unix))]
fn tell(_: News) {}

#[cfg(unix)]
fn watchdog_limit() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero())
}

#[cfg(not(unix))]
fn watchdog_limit() -> Option<Duration> {
    None
}
