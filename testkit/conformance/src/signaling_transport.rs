//! Checks of a [`SignalingTransport`] against WebSocket servers on this host.

mod server;
mod socket;

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Duration;

use rejoin_core::Generation;
use rejoin_core::port::{Dialect, SignalingAction, SignalingEvent, SignalingTransport};
use tokio::time::{Instant, timeout};

use crate::signaling_transport::socket::{Socket, request};
use crate::violation::{Violation, named, require};

/// Builds a transport whose sockets use a dialect.
type Build = dyn Fn(Arc<dyn Dialect>) -> Box<dyn SignalingTransport> + Send + Sync;

/// The kind of transport that is checked.
pub struct SignalingTransports {
    build: Box<Build>,
    /// How long a check waits for an event that must come.
    pub event_timeout: Duration,
    /// How long a check waits for an event that must not come.
    pub quiet_time: Duration,
}

impl SignalingTransports {
    /// Creates the kind of the transports that `build` returns.
    pub fn new(
        build: impl Fn(Arc<dyn Dialect>) -> Box<dyn SignalingTransport> + Send + Sync + 'static,
    ) -> Self {
        let (event_timeout, quiet_time) = (Duration::from_secs(30), Duration::from_millis(400));
        Self { build: Box::new(build), event_timeout, quiet_time }
    }
}

impl Debug for SignalingTransports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalingTransports")
            .field("event_timeout", &self.event_timeout)
            .finish_non_exhaustive()
    }
}

/// Runs every check of this module, one after another, and returns the violations.
pub async fn check_all(transports: &SignalingTransports) -> Vec<Violation> {
    let results = [
        messages_travel_in_order(transports).await,
        malformed_frames_leave_the_socket_open(transports).await,
        ping_yields_a_pong(transports).await,
        failed_open_yields_one_closed(transports).await,
        open_ends_within_its_limit(transports).await,
        close_yields_one_closed(transports).await,
        lost_socket_yields_one_closed(transports).await,
        open_replaces_the_socket(transports).await,
        other_generations_are_ignored(transports).await,
        next_event_is_cancel_safe(transports).await,
    ];
    results.into_iter().filter_map(Result::err).collect()
}

/// Checks that `Opened` comes first, and that messages travel both ways once and in order.
pub async fn messages_travel_in_order(transports: &SignalingTransports) -> Result<(), Violation> {
    let check = async {
        let mut socket = Socket::open(transports).await?;
        let texts: Vec<String> = (0..50).map(|number| format!("message {number}")).collect();
        texts.iter().for_each(|text| socket.send(text));
        for text in texts {
            let event = socket.next().await?;
            require(event == request(&text), || format!("expected \"{text}\", got {event:?}"))?;
        }
        socket.stays_quiet().await
    };
    named("messages_travel_in_order", check.await)
}

/// Checks that a frame that the dialect cannot decode is reported once, and that the socket works after it.
pub async fn malformed_frames_leave_the_socket_open(
    transports: &SignalingTransports,
) -> Result<(), Violation> {
    let check = async {
        let mut socket = Socket::open(transports).await?;
        socket.send("!malformed");
        let event = socket.next().await?;
        let reported = matches!(event, SignalingEvent::Malformed { .. });
        require(reported, || format!("expected Malformed, got {event:?}"))?;
        socket.echo().await
    };
    named("malformed_frames_leave_the_socket_open", check.await)
}

/// Checks that `Ping` yields one `Pong`.
pub async fn ping_yields_a_pong(transports: &SignalingTransports) -> Result<(), Violation> {
    let check = async {
        let mut socket = Socket::open(transports).await?;
        socket.perform(SignalingAction::Ping);
        let event = socket.next().await?;
        require(event == SignalingEvent::Pong, || format!("expected Pong, got {event:?}"))?;
        socket.stays_quiet().await
    };
    named("ping_yields_a_pong", check.await)
}

/// Checks that an `Open` that fails yields exactly one `Closed`, which was not opened and names the server.
pub async fn failed_open_yields_one_closed(transports: &SignalingTransports) -> Result<(), Violation> {
    let check = async {
        let (mut socket, server) = Socket::refused(transports).await?;
        let event = socket.next().await?;
        let SignalingEvent::Closed { opened: false, reason, .. } = &event else {
            return Err(format!("expected Closed with opened: false, got {event:?}"));
        };
        let host = server.trim_start_matches("ws://").trim_end_matches('/');
        require(reason.contains(host), || format!("\"{reason}\" does not name {host}"))?;
        socket.stays_quiet().await
    };
    named("failed_open_yields_one_closed", check.await)
}

/// Checks that an `Open` to a server that never answers ends within its limit.
pub async fn open_ends_within_its_limit(transports: &SignalingTransports) -> Result<(), Violation> {
    const LIMIT: Duration = Duration::from_millis(500);
    let check = async {
        let (mut socket, begun) = (Socket::unanswered(transports, LIMIT).await?, Instant::now());
        let event = socket.next().await?;
        let failed = matches!(event, SignalingEvent::Closed { opened: false, .. });
        require(failed, || format!("expected Closed with opened: false, got {event:?}"))?;
        // The slack is for a busy host.
        require(begun.elapsed() < 10 * LIMIT, || format!("it took {:?} of {LIMIT:?}", begun.elapsed()))
    };
    named("open_ends_within_its_limit", check.await)
}

/// Checks that `Close` yields exactly one `Closed`, which was opened.
pub async fn close_yields_one_closed(transports: &SignalingTransports) -> Result<(), Violation> {
    let check = async {
        let mut socket = Socket::open(transports).await?;
        socket.perform(SignalingAction::Close);
        closed_once(&mut socket).await
    };
    named("close_yields_one_closed", check.await)
}

/// Checks that a socket that the server closes yields exactly one `Closed`, with the close code.
pub async fn lost_socket_yields_one_closed(transports: &SignalingTransports) -> Result<(), Violation> {
    let check = async {
        let mut socket = Socket::open(transports).await?;
        socket.send("close 4001");
        let event = socket.next().await?;
        let coded = matches!(event, SignalingEvent::Closed { opened: true, code: Some(4001), .. });
        require(coded, || format!("expected Closed with opened: true and code: 4001, got {event:?}"))?;
        socket.stays_quiet().await
    };
    named("lost_socket_yields_one_closed", check.await)
}

/// Checks that an `Open` replaces the socket there is, of which no event follows.
pub async fn open_replaces_the_socket(transports: &SignalingTransports) -> Result<(), Violation> {
    let check = async {
        let mut socket = Socket::open(transports).await?;
        socket.send("unread");
        socket.reopen().await?;
        socket.echo().await?;
        socket.stays_quiet().await
    };
    named("open_replaces_the_socket", check.await)
}

/// Checks that actions for another generation than the open socket's have no effect.
pub async fn other_generations_are_ignored(transports: &SignalingTransports) -> Result<(), Violation> {
    let check = async {
        let mut socket = Socket::open(transports).await?;
        for action in
            [SignalingAction::Send(socket::message("lost")), SignalingAction::Ping, SignalingAction::Close]
        {
            socket.perform_for(Generation(99), action);
        }
        socket.echo().await?;
        socket.stays_quiet().await
    };
    named("other_generations_are_ignored", check.await)
}

/// Checks that dropping the future of `next_event` loses no event.
pub async fn next_event_is_cancel_safe(transports: &SignalingTransports) -> Result<(), Violation> {
    const MESSAGES: usize = 50;
    let check = async {
        let mut socket = Socket::open(transports).await?;
        (0..MESSAGES).for_each(|number| socket.send(&number.to_string()));
        let received = async {
            let mut received = 0;
            while received < MESSAGES {
                match futures_util::FutureExt::now_or_never(socket.next_event()) {
                    Some(_) => received += 1,
                    None => tokio::time::sleep(Duration::from_millis(1)).await,
                }
            }
        };
        let all = timeout(transports.event_timeout, received).await;
        require(all.is_ok(), || "cancelled futures lost messages".into())
    };
    named("next_event_is_cancel_safe", check.await)
}

async fn closed_once(socket: &mut Socket) -> Result<(), String> {
    let event = socket.next().await?;
    let closed = matches!(event, SignalingEvent::Closed { opened: true, .. });
    require(closed, || format!("expected Closed with opened: true, got {event:?}"))?;
    socket.stays_quiet().await
}
