//! Fake transports with a signaling server and a viewer that answer every message at once.

use std::collections::BTreeSet;

use async_trait::async_trait;
use rejoin_config::{Loader, Registry};
use rejoin_core::port::{PeerAction, PeerEvent, SignalingAction, SignalingEvent};
use rejoin_core::sdp::{Description, SdpType};
use rejoin_core::{
    ChannelMessage, Generation, IceConnectionState, PeerTransport, SignalingAddress, SignalingMessage,
    SignalingTransport,
};
use rejoin_driver::Session;
use rejoin_network::Netlink;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::log::{Record, RecordedMonitor, Recorder};

/// Starts a session of the default profile that publishes to one viewer.
pub(crate) fn start(recorder: &Recorder) -> Session {
    let configuration = Loader::new(Registry::builtin()).load().unwrap();
    rejoin_driver::connect("ws://far.test")
        .publish("stream")
        .policies(configuration.policies)
        .network_monitor(Box::new(RecordedMonitor(Netlink::default(), recorder.clone())))
        .transports(Box::new(Server::new(recorder)), Box::new(Viewer::new(recorder)))
        .start()
        .unwrap()
}

/// A queue of events that its owner fills itself.
struct Queue<E>(UnboundedSender<(Generation, E)>, UnboundedReceiver<(Generation, E)>);

impl<E> Queue<E> {
    fn new() -> Self {
        let (sender, receiver) = unbounded_channel();
        Self(sender, receiver)
    }

    fn push(&self, generation: Generation, event: E) {
        let _ = self.0.send((generation, event));
    }

    async fn next(&mut self) -> (Generation, E) {
        self.1.recv().await.unwrap()
    }
}

/// A server that is always there, and whose one other client views our stream and answers every offer.
struct Server {
    recorder: Recorder,
    events: Queue<SignalingEvent>,
    viewed: bool,
}

impl Server {
    fn new(recorder: &Recorder) -> Self {
        Self { recorder: recorder.clone(), events: Queue::new(), viewed: false }
    }

    /// Returns what the server or the viewer says to `message`.
    fn answer(&mut self, message: SignalingMessage) -> Option<SignalingMessage> {
        let address = SignalingAddress("viewer".into());
        match message {
            SignalingMessage::Seed { stream } if !std::mem::replace(&mut self.viewed, true) => {
                Some(SignalingMessage::OfferRequested { address, stream: Some(stream) })
            }
            SignalingMessage::Description { session, .. } => Some(SignalingMessage::Description {
                address: Some(address),
                session,
                stream: None,
                description: described(SdpType::Answer, "viewer", 0),
            }),
            _ => None,
        }
    }
}

#[async_trait]
impl SignalingTransport for Server {
    fn perform(&mut self, generation: Generation, action: SignalingAction) {
        match action {
            SignalingAction::Open { .. } => {
                self.recorder.record(Record::Dial);
                self.events.push(generation, SignalingEvent::Opened { resumption: None, resumed: false });
            }
            SignalingAction::Send(message) => {
                if let Some(answer) = self.answer(message) {
                    self.events.push(generation, SignalingEvent::Received(answer));
                }
            }
            SignalingAction::Ping => self.events.push(generation, SignalingEvent::Pong),
            _ => {}
        }
    }

    async fn next_event(&mut self) -> (Generation, SignalingEvent) {
        self.events.next().await
    }
}

/// Connections to the viewer, which work as soon as it has answered.
struct Viewer {
    recorder: Recorder,
    events: Queue<PeerEvent>,
    offers: u32,
    open: BTreeSet<Generation>,
}

impl Viewer {
    fn new(recorder: &Recorder) -> Self {
        Self { recorder: recorder.clone(), events: Queue::new(), offers: 0, open: BTreeSet::new() }
    }
}

#[async_trait]
impl PeerTransport for Viewer {
    fn perform(&mut self, generation: Generation, action: PeerAction) {
        match action {
            PeerAction::Create(_) | PeerAction::RestartIce(_) => {
                self.recorder.record(Record::PeerRepair);
                self.offers += 1;
                let offer = described(SdpType::Offer, "us", self.offers);
                self.events.push(generation, PeerEvent::LocalDescription(offer));
            }
            PeerAction::Accept(_) => {
                self.events.push(generation, PeerEvent::IceConnectionState(IceConnectionState::Connected));
                if self.open.insert(generation) {
                    self.events.push(generation, PeerEvent::ChannelOpen);
                }
            }
            PeerAction::Send { message: ChannelMessage::Ping(token), .. } => {
                self.events.push(generation, PeerEvent::Received(ChannelMessage::Pong(token)));
            }
            _ => {}
        }
    }

    async fn next_event(&mut self) -> (Generation, PeerEvent) {
        self.events.next().await
    }
}

/// Returns a description of `who`, whose certificate stays and whose ICE credentials are those of `offer`.
fn described(sdp_type: SdpType, who: &str, offer: u32) -> Description {
    let sdp = format!("v=0\r\na=ice-ufrag:{who}{offer}\r\na=fingerprint:sha-256 {who}\r\n");
    Description { sdp_type, sdp }
}
