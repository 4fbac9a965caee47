//! Two transports in one process; the test carries descriptions and candidates between them.

use std::sync::Arc;
use std::time::Duration;

use rejoin_core::message::{ChannelMessage, Payload};
use rejoin_core::port::{
    ChannelFrame, ConnectionSetup, Dialect, DialectError, PeerAction, PeerEvent, PeerTransport,
};
use rejoin_core::sdp::{Description, SdpType};
use rejoin_core::{Generation, Role, SignalingMessage};
use rejoin_webrtc::WebRtcTransport;

/// How long any wait of a test may last; generous, because the machine may be busy.
pub(crate) const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A dialect of bare application texts and of descriptions; frames that begin with `!` are malformed.
#[derive(Debug)]
pub(crate) struct Plain;

impl Dialect for Plain {
    fn encode_signaling(&self, _: &SignalingMessage) -> Result<String, DialectError> {
        Err(DialectError("plain has no signaling".to_owned()))
    }

    fn decode_signaling(&self, _: &str) -> Result<Vec<SignalingMessage>, DialectError> {
        Err(DialectError("plain has no signaling".to_owned()))
    }

    fn encode_channel(&self, message: &ChannelMessage) -> Result<ChannelFrame, DialectError> {
        match message {
            ChannelMessage::Application(Payload(text)) => Ok(ChannelFrame::Text(text.to_string())),
            ChannelMessage::Signaling(SignalingMessage::Description { description, .. }) => {
                Ok(ChannelFrame::Text(format!("{:?} {}", description.sdp_type, description.sdp)))
            }
            _ => Err(DialectError("plain has applications and descriptions only".to_owned())),
        }
    }

    fn decode_channel(&self, frame: &ChannelFrame) -> Result<Vec<ChannelMessage>, DialectError> {
        match frame {
            ChannelFrame::Text(text) if text.starts_with('!') => Err(DialectError("not plain".to_owned())),
            ChannelFrame::Text(text) => Ok(vec![match text.split_once(' ') {
                Some(("Offer", sdp)) => description_message(SdpType::Offer, sdp),
                Some(("Answer", sdp)) => description_message(SdpType::Answer, sdp),
                Some(_) | None => text_message(text),
            }]),
            ChannelFrame::Binary(_) => Err(DialectError("not plain".to_owned())),
        }
    }

    fn channel_label(&self) -> &str {
        "sendChannel"
    }
}

/// Returns an application message.
pub(crate) fn text_message(text: &str) -> ChannelMessage {
    ChannelMessage::Application(Payload(text.into()))
}

/// Returns a description as it travels over the channel.
pub(crate) fn description_message(sdp_type: SdpType, sdp: &str) -> ChannelMessage {
    let description = Description { sdp_type, sdp: sdp.to_owned() };
    ChannelMessage::Signaling(SignalingMessage::Description {
        address: None,
        session: None,
        stream: None,
        description,
    })
}

/// Which end of the pair.
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

/// Two transports.
pub(crate) struct Pair {
    pub(crate) offerer: WebRtcTransport,
    pub(crate) answerer: WebRtcTransport,
    pub(crate) generation: Generation,
}

impl Pair {
    /// Creates two transports without connections.
    pub(crate) fn new() -> Self {
        let transport = || WebRtcTransport::new(Arc::new(Plain));
        Self { offerer: transport(), answerer: transport(), generation: Generation(1) }
    }

    /// Creates a pair and opens it.
    pub(crate) async fn open() -> Self {
        let mut pair = Self::new();
        pair.create(setup);
        pair.until_open().await;
        pair
    }

    /// Creates the connection on both sides; `setup` may differ by role.
    pub(crate) fn create(&mut self, setup: impl Fn(Role) -> ConnectionSetup) {
        self.perform(Side::Answerer, PeerAction::Create(setup(Role::Answerer)));
        self.perform(Side::Offerer, PeerAction::Create(setup(Role::Offerer)));
    }

    pub(crate) fn perform(&mut self, side: Side, action: PeerAction) {
        let generation = self.generation;
        self.side(side).perform(generation, action);
    }

    pub(crate) fn send(&mut self, side: Side, tag: u64, text: &str) {
        self.perform(side, PeerAction::Send { tag, message: text_message(text) });
    }

    pub(crate) fn side(&mut self, side: Side) -> &mut WebRtcTransport {
        match side {
            Side::Offerer => &mut self.offerer,
            Side::Answerer => &mut self.answerer,
        }
    }

    /// Returns the next event of either side, without carrying it over.
    pub(crate) async fn next(&mut self) -> (Side, PeerEvent) {
        let next = async {
            tokio::select! {
                (_, event) = self.offerer.next_event() => (Side::Offerer, event),
                (_, event) = self.answerer.next_event() => (Side::Answerer, event),
            }
        };
        tokio::time::timeout(TEST_TIMEOUT, next).await.expect("an event in time")
    }

    /// Carries descriptions and candidates until `done` returns true for an event.
    pub(crate) async fn until(&mut self, mut done: impl FnMut(Side, &PeerEvent) -> bool) {
        let deadline = tokio::time::Instant::now() + TEST_TIMEOUT;
        let mut seen = Vec::new();
        loop {
            assert!(tokio::time::Instant::now() < deadline, "timed out after {seen:?}");
            let (side, event) = self.next().await;
            if done(side, &event) {
                self.carry(side, event);
                return;
            }
            seen.push((side, format!("{event:.60?}")));
            self.carry(side, event);
        }
    }

    /// Waits until the channel is open on both sides.
    pub(crate) async fn until_open(&mut self) {
        self.until_each(|event| *event == PeerEvent::ChannelOpen).await;
    }

    /// Waits until `wanted` was seen on each side.
    pub(crate) async fn until_each(&mut self, wanted: impl Fn(&PeerEvent) -> bool) {
        let mut missing = Side::BOTH.to_vec();
        self.until(|side, event| {
            if wanted(event) {
                missing.retain(|other| *other != side);
            }
            missing.is_empty()
        })
        .await;
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

/// Returns a setup for every interface, with long timeouts.
pub(crate) fn setup(role: Role) -> ConnectionSetup {
    ConnectionSetup::new(role)
}

/// Returns a setup that is changed by `change`.
pub(crate) fn setup_with(role: Role, change: impl FnOnce(&mut ConnectionSetup)) -> ConnectionSetup {
    let mut setup = setup(role);
    change(&mut setup);
    setup
}
