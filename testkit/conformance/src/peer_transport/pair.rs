//! Two transports of one kind, whose descriptions and candidates a check passes on.

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Duration;

use rejoin_core::port::{ConnectionSetup, Dialect, PeerAction, PeerEvent, PeerTransport};
use rejoin_core::sdp::Description;
use rejoin_core::{Generation, Role};
use tokio::time::{Instant, timeout, timeout_at};

use crate::text_dialect::{TextDialect, text_message};

/// Builds a transport whose data channels use a dialect.
type Build = dyn Fn(Arc<dyn Dialect>) -> Box<dyn PeerTransport> + Send + Sync;

/// The kind of transport that is checked.
pub struct PeerTransports {
    build: Box<Build>,
    /// How long a check waits for an event that must come.
    pub event_timeout: Duration,
    /// How long a check waits for an event that must not come.
    pub quiet_time: Duration,
}

impl PeerTransports {
    /// Creates the kind of the transports that `build` returns; both ends of each check are of this kind.
    pub fn new(build: impl Fn(Arc<dyn Dialect>) -> Box<dyn PeerTransport> + Send + Sync + 'static) -> Self {
        let (event_timeout, quiet_time) = (Duration::from_secs(60), Duration::from_millis(400));
        Self { build: Box::new(build), event_timeout, quiet_time }
    }
}

impl Debug for PeerTransports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerTransports").field("event_timeout", &self.event_timeout).finish_non_exhaustive()
    }
}

/// An end of the pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Offerer,
    Answerer,
}

impl Side {
    pub(crate) const BOTH: [Self; 2] = [Self::Offerer, Self::Answerer];

    pub(crate) fn other(self) -> Self {
        match self {
            Self::Offerer => Self::Answerer,
            Self::Answerer => Self::Offerer,
        }
    }
}

/// Two transports with one connection each.
pub(crate) struct Pair {
    offerer: Box<dyn PeerTransport>,
    answerer: Box<dyn PeerTransport>,
    event_timeout: Duration,
    quiet_time: Duration,
}

/// The generation of both connections.
pub(crate) const GENERATION: Generation = Generation(7);

impl Pair {
    /// Builds two transports without connections.
    pub(crate) fn build(transports: &PeerTransports) -> Self {
        let build = || (transports.build)(Arc::new(TextDialect));
        let PeerTransports { event_timeout, quiet_time, .. } = *transports;
        Self { offerer: build(), answerer: build(), event_timeout, quiet_time }
    }

    /// Builds two transports and creates both connections.
    pub(crate) fn created(transports: &PeerTransports) -> Self {
        let mut pair = Self::build(transports);
        pair.create();
        pair
    }

    /// Builds two transports and opens a connection between them.
    pub(crate) async fn open(transports: &PeerTransports) -> Result<Self, String> {
        let mut pair = Self::created(transports);
        pair.until_open().await?;
        Ok(pair)
    }

    pub(crate) fn create(&mut self) {
        for (side, role) in [(Side::Answerer, Role::Answerer), (Side::Offerer, Role::Offerer)] {
            let mut setup = ConnectionSetup::new(role);
            setup.bind = vec!["127.0.0.1:0".to_owned()];
            self.perform(side, PeerAction::Create(setup));
        }
    }

    pub(crate) fn side(&mut self, side: Side) -> &mut dyn PeerTransport {
        match side {
            Side::Offerer => self.offerer.as_mut(),
            Side::Answerer => self.answerer.as_mut(),
        }
    }

    pub(crate) fn perform(&mut self, side: Side, action: PeerAction) {
        self.side(side).perform(GENERATION, action);
    }

    pub(crate) fn send(&mut self, side: Side, tag: u64, text: &str) {
        self.perform(side, PeerAction::Send { tag, message: text_message(text) });
    }

    /// Returns the next event of either side, without passing it on; fails after a while.
    pub(crate) async fn next(&mut self) -> Result<(Side, PeerEvent), String> {
        match timeout(self.event_timeout, self.either()).await {
            Ok((side, GENERATION, event)) => Ok((side, event)),
            Ok((side, generation, event)) => {
                Err(format!("{side:?}: {event:?} for {generation:?}, which has no connection"))
            }
            Err(_) => Err("no event came".to_owned()),
        }
    }

    async fn either(&mut self) -> (Side, Generation, PeerEvent) {
        tokio::select! {
            (generation, event) = self.offerer.next_event() => (Side::Offerer, generation, event),
            (generation, event) = self.answerer.next_event() => (Side::Answerer, generation, event),
        }
    }

    /// Passes descriptions and candidates on until `done` returns true for an event.
    ///
    /// A failed connection and a wait without end are violations.
    pub(crate) async fn until(
        &mut self,
        expected: &str,
        mut done: impl FnMut(Side, &PeerEvent) -> Result<bool, String>,
    ) -> Result<(), String> {
        let deadline = Instant::now() + self.event_timeout;
        let mut seen = Vec::new();
        loop {
            let next = timeout_at(deadline, self.next()).await;
            let (side, event) = match next {
                Ok(Ok(next)) => next,
                Ok(Err(problem)) => {
                    return Err(format!("expected {expected}, but {problem}; events so far: {seen:?}"));
                }
                Err(_) => return Err(format!("expected {expected}, but got {seen:?}")),
            };
            seen.push(format!("{side:?} {event:.60?}"));
            if let PeerEvent::Failed { reason } = &event {
                return Err(format!("expected {expected}, but the {side:?} failed: {reason}"));
            }
            let done = done(side, &event)?;
            self.carry(side, event);
            if done {
                return Ok(());
            }
        }
    }

    /// As [`until`](Self::until), until `wanted` was seen on each side.
    pub(crate) async fn until_each(
        &mut self,
        expected: &str,
        wanted: impl Fn(&PeerEvent) -> bool,
    ) -> Result<(), String> {
        let mut missing = Side::BOTH.to_vec();
        self.until(expected, |side, event| {
            missing.retain(|other| !(wanted(event) && *other == side));
            Ok(missing.is_empty())
        })
        .await
    }

    pub(crate) async fn until_open(&mut self) -> Result<(), String> {
        self.until_each("ChannelOpen on both sides", |event| *event == PeerEvent::ChannelOpen).await
    }

    /// Returns the next description of `wanted`, which is not passed on.
    pub(crate) async fn description_of(&mut self, wanted: Side) -> Result<Description, String> {
        loop {
            match self.next().await? {
                (side, PeerEvent::LocalDescription(description)) if side == wanted => return Ok(description),
                (side, PeerEvent::Failed { reason }) => return Err(format!("the {side:?} failed: {reason}")),
                _ => {}
            }
        }
    }

    /// Passes events on until none has come for a while; returns them.
    pub(crate) async fn until_quiet(&mut self) -> Vec<(Side, PeerEvent)> {
        let mut events = Vec::new();
        while let Ok((side, _, event)) = timeout(self.quiet_time, self.either()).await {
            events.push((side, event.clone()));
            self.carry(side, event);
        }
        events
    }

    /// Sends a message in each direction and waits until both have arrived.
    pub(crate) async fn echo(&mut self) -> Result<(), String> {
        Side::BOTH.into_iter().for_each(|side| self.send(side, 1, &format!("echo of {side:?}")));
        let mut missing = Side::BOTH.to_vec();
        self.until("a message in each direction", |side, event| {
            let echo = PeerEvent::Received(text_message(&format!("echo of {:?}", side.other())));
            missing.retain(|other| !(*event == echo && *other == side));
            Ok(missing.is_empty())
        })
        .await
    }

    /// Passes descriptions and candidates to the other side.
    pub(crate) fn carry(&mut self, from: Side, event: PeerEvent) {
        match event {
            PeerEvent::LocalDescription(description) => {
                self.perform(from.other(), PeerAction::Accept(description));
            }
            PeerEvent::LocalCandidates(candidates) => {
                self.perform(from.other(), PeerAction::AddCandidates(candidates));
            }
            _ => {}
        }
    }
}
