//! The WebRTC transport behind a filter that breaks one rule.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rejoin_conformance::peer_transport::PeerTransports;
use rejoin_core::Generation;
use rejoin_core::port::{Dialect, PeerAction, PeerEvent, PeerTransport};
use rejoin_webrtc::WebRtcTransport;

type OnAction = fn(&mut Broken, Generation, PeerAction);
type OnEvent = fn(&mut Broken, PeerEvent);

/// Asserts that a check refuses transports with a flaw, for the expected reason.
macro_rules! refused {
    ($check:ident, $flaw:expr, $reason:expr) => {
        let violation = peer_transport::$check(&$flaw.transports()).await.expect_err("the flaw is found");
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
    pub(crate) fn transports(self) -> PeerTransports {
        let mut transports = PeerTransports::new(move |dialect| Box::new(Broken::new(dialect, self)));
        // A flaw may keep an event from coming.
        transports.event_timeout = Duration::from_secs(8);
        transports
    }
}

/// A transport that breaks a rule.
pub(crate) struct Broken {
    inner: WebRtcTransport,
    flaw: Flaw,
    generation: Generation,
    reported: VecDeque<(Generation, PeerEvent)>,
    /// For flaws that delay events.
    pub(crate) held: Vec<PeerEvent>,
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

    pub(crate) fn by_both(on_action: OnAction, on_event: OnEvent) -> Flaw {
        Flaw { on_action, on_event, is_lossy: false }
    }

    /// A transport whose `next_event` waits once more when it has an event.
    pub(crate) fn lossy() -> Flaw {
        Flaw { on_action: Self::perform_for, on_event: Self::report, is_lossy: true }
    }

    fn new(dialect: Arc<dyn Dialect>, flaw: Flaw) -> Self {
        let inner = WebRtcTransport::new(dialect);
        let (reported, held) = (VecDeque::new(), Vec::new());
        Self { inner, flaw, generation: Generation(0), reported, held, count: 0 }
    }

    pub(crate) fn perform_for(&mut self, generation: Generation, action: PeerAction) {
        self.inner.perform(generation, action);
    }

    pub(crate) fn perform(&mut self, action: PeerAction) {
        self.inner.perform(self.generation, action);
    }

    pub(crate) fn report_for(&mut self, generation: Generation, event: PeerEvent) {
        self.reported.push_back((generation, event));
    }

    pub(crate) fn report(&mut self, event: PeerEvent) {
        self.report_for(self.generation, event);
    }

    pub(crate) fn report_held(&mut self) {
        for event in std::mem::take(&mut self.held) {
            self.report(event);
        }
    }
}

#[async_trait]
impl PeerTransport for Broken {
    fn perform(&mut self, generation: Generation, action: PeerAction) {
        if matches!(action, PeerAction::Create(_)) {
            self.generation = generation;
        }
        (self.flaw.on_action)(self, generation, action);
    }

    async fn next_event(&mut self) -> (Generation, PeerEvent) {
        loop {
            if let Some(event) = self.reported.pop_front() {
                return event;
            }
            let (_, event) = self.inner.next_event().await;
            if self.flaw.is_lossy && matches!(event, PeerEvent::Received(_)) {
                tokio::task::yield_now().await;
            }
            (self.flaw.on_event)(self, event);
        }
    }
}
