//! The WebSocket transport behind a filter that breaks one rule.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rejoin_conformance::signaling_transport::SignalingTransports;
use rejoin_core::Generation;
use rejoin_core::port::{Dialect, SignalingAction, SignalingEvent, SignalingTransport};
use rejoin_websocket::{WebSocketOptions, WebSocketTransport};

type OnAction = fn(&mut Broken, Generation, SignalingAction);
type OnEvent = fn(&mut Broken, SignalingEvent);

/// Asserts that a check refuses transports with a flaw, for the expected reason.
macro_rules! refused {
    ($check:ident, $flaw:expr, $reason:expr) => {
        let violation =
            signaling_transport::$check(&$flaw.transports()).await.expect_err("the flaw is found");
        assert_eq!(violation.check, stringify!($check));
        assert!(violation.detail.contains($reason), "{violation}");
    };
}
pub(crate) use refused;

/// What a broken transport does to actions and events.
#[derive(Clone, Copy)]
pub(crate) struct Flaw {
    on_action: OnAction,
    on_event: OnEvent,
    is_lossy: bool,
}

impl Flaw {
    /// Returns transports that are all broken alike.
    pub(crate) fn transports(self) -> SignalingTransports {
        let mut transports = SignalingTransports::new(move |dialect| Box::new(Broken::new(dialect, self)));
        // A flaw may keep an event from coming.
        transports.event_timeout = Duration::from_secs(5);
        transports
    }
}

/// A transport that breaks a rule.
pub(crate) struct Broken {
    inner: WebSocketTransport,
    flaw: Flaw,
    generation: Generation,
    reported: VecDeque<(Generation, SignalingEvent)>,
    /// For flaws that delay an event.
    pub(crate) held: Option<SignalingEvent>,
    /// For flaws that count.
    pub(crate) count: u32,
}

impl Broken {
    pub(crate) fn by_action(on_action: OnAction) -> Flaw {
        Flaw { on_action, on_event: Self::report, is_lossy: false }
    }

    pub(crate) fn by_event(on_event: OnEvent) -> Flaw {
        Flaw { on_action: Self::perform_for, on_event, is_lossy: false }
    }

    /// A transport whose `next_event` waits once more when it has a message.
    pub(crate) fn lossy() -> Flaw {
        Flaw { on_action: Self::perform_for, on_event: Self::report, is_lossy: true }
    }

    fn new(dialect: Arc<dyn Dialect>, flaw: Flaw) -> Self {
        let inner = WebSocketTransport::new(dialect, WebSocketOptions::default()).expect("a transport");
        Self { inner, flaw, generation: Generation(0), reported: VecDeque::new(), held: None, count: 0 }
    }

    /// Performs an action and remembers whose socket there is then.
    pub(crate) fn perform_for(&mut self, generation: Generation, action: SignalingAction) {
        if matches!(action, SignalingAction::Open { .. }) {
            self.generation = generation;
        }
        self.inner.perform(generation, action);
    }

    /// Returns the generation of the socket, or of the one that `action` opens.
    pub(crate) fn current_or(&self, action: &SignalingAction) -> Generation {
        match action {
            SignalingAction::Open { .. } => Generation(self.generation.0 + 1),
            _ => self.generation,
        }
    }

    pub(crate) fn report(&mut self, event: SignalingEvent) {
        self.reported.push_back((self.generation, event));
    }
}

#[async_trait]
impl SignalingTransport for Broken {
    fn perform(&mut self, generation: Generation, action: SignalingAction) {
        (self.flaw.on_action)(self, generation, action);
    }

    async fn next_event(&mut self) -> (Generation, SignalingEvent) {
        loop {
            if let Some(event) = self.reported.pop_front() {
                return event;
            }
            let (_, event) = self.inner.next_event().await;
            if self.flaw.is_lossy && matches!(event, SignalingEvent::Received(_)) {
                tokio::task::yield_now().await;
            }
            (self.flaw.on_event)(self, event);
        }
    }
}
