//! The bare core loop of one publisher: no sockets, no tasks, only the machine and viewers that acknowledge.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use rejoin_config::{Loader, Registry};
use rejoin_core::delivery::durable::Durability;
use rejoin_core::delivery::{DeliveryFrame, DeliveryHello, Epoch};
use rejoin_core::message::{Hello, RejoinHello};
use rejoin_core::port::{PeerAction, PeerEvent, SignalingAction, SignalingEvent};
use rejoin_core::sdp::{Description, SdpType};
use rejoin_core::stats::Sample;
use rejoin_core::{
    ChannelMessage, Command, Event, Generation, IceConnectionState, Identity, Input, Output, Payload,
    Recipient, Settings, SignalingAddress, SignalingMessage, StreamId, Supervisor,
};

use crate::sessions::MESSAGE;

/// The time between two inputs, which is less than any machine needs for one: timers fire at a realistic rate.
const INPUT_INTERVAL: Duration = Duration::from_micros(1);

/// A publisher with connected viewers.
#[derive(Debug)]
pub struct Publisher {
    machine: Supervisor,
    now: Instant,
    payload: Payload,
    outputs: Vec<Output>,
    /// The messages that have left: the connection, and the number of the message.
    delivered: Vec<(Generation, u64)>,
    connected: usize,
}

impl Publisher {
    /// Connects `viewers` rejoin peers to a publisher with the policies of the profile `vdo-ninja`.
    ///
    /// # Errors
    /// Fails if the profile cannot be loaded, or if the machine does not connect every viewer.
    pub fn with_viewers(viewers: usize) -> Result<Self> {
        let configuration = Loader::new(Registry::builtin()).profile("vdo-ninja").load()?;
        let settings = Settings::new(Identity(1), "wss://server.test");
        let now = Instant::now();
        let mut publisher = Self {
            machine: Supervisor::new(settings, configuration.policies, now),
            now,
            payload: Payload(format!("\"{}\"", "x".repeat(MESSAGE - 2)).into()),
            outputs: Vec::new(),
            delivered: Vec::new(),
            connected: 0,
        };
        publisher.handle(Input::Command(Command::Publish(StreamId("bench".into()))));
        for viewer in 0..viewers {
            let address = SignalingAddress(format!("viewer-{viewer}").into());
            let request = SignalingMessage::OfferRequested { address, stream: None };
            publisher.handle(Input::Signaling(Generation(1), SignalingEvent::Received(request)));
        }
        ensure!(publisher.connected == viewers, "{} of {viewers} viewers connected", publisher.connected);
        Ok(publisher)
    }

    /// Sends a message to every viewer and passes their acknowledgements to the machine; returns how many there were.
    ///
    /// # Errors
    /// Fails if a viewer did not get the message.
    pub fn deliver(&mut self) -> Result<usize> {
        let command = Command::Send { to: Recipient::Everyone, payload: self.payload.clone() };
        self.handle(Input::Command(command));
        let mut delivered = std::mem::take(&mut self.delivered);
        ensure!(delivered.len() == self.connected, "{} of {} got it", delivered.len(), self.connected);
        for (viewer, through) in delivered.drain(..) {
            self.receive(viewer, ChannelMessage::Delivery(DeliveryFrame::Acknowledgement { through }));
        }
        self.delivered = delivered;
        Ok(self.connected)
    }

    /// Does what the driver does for one input: the input, its outputs, the deadline and the flow control.
    fn handle(&mut self, input: Input) {
        self.now += INPUT_INTERVAL;
        self.turn(input);
        while self.machine.next_timeout().is_some_and(|(at, _)| at <= self.now) {
            self.turn(Input::Timeout);
        }
    }

    fn turn(&mut self, input: Input) {
        self.machine.handle_input(input, self.now);
        let mut outputs = std::mem::take(&mut self.outputs);
        outputs.extend(std::iter::from_fn(|| self.machine.poll_output()));
        std::hint::black_box(self.machine.can_accept());
        for output in outputs.drain(..) {
            self.perform(output);
        }
        self.outputs = outputs;
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Signaling(socket, action) => self.serve(socket, action),
            Output::Peer(viewer, action) => self.view(viewer, action),
            Output::Event(Event::Connected(_)) => self.connected += 1,
            _ => {}
        }
    }

    fn serve(&mut self, socket: Generation, action: SignalingAction) {
        let answer = match action {
            SignalingAction::Open { .. } => SignalingEvent::Opened { resumption: None, resumed: false },
            SignalingAction::Ping => SignalingEvent::Pong,
            SignalingAction::Send(SignalingMessage::Description { address, session, .. }) => {
                SignalingEvent::Received(SignalingMessage::Description {
                    address,
                    session,
                    stream: None,
                    description: description(SdpType::Answer),
                })
            }
            _ => return,
        };
        self.handle(Input::Signaling(socket, answer));
    }

    fn view(&mut self, viewer: Generation, action: PeerAction) {
        match action {
            PeerAction::Create(_) => {
                self.peer_event(viewer, PeerEvent::LocalDescription(description(SdpType::Offer)));
            }
            PeerAction::Accept(_) => {
                self.peer_event(viewer, PeerEvent::IceConnectionState(IceConnectionState::Connected));
                self.peer_event(viewer, PeerEvent::ChannelOpen);
            }
            PeerAction::Send { message: ChannelMessage::Hello(_), .. } => {
                self.receive(viewer, ChannelMessage::Hello(hello(viewer)));
            }
            PeerAction::Send { message: ChannelMessage::Ping(token), .. } => {
                self.receive(viewer, ChannelMessage::Pong(token));
            }
            PeerAction::Send {
                message: ChannelMessage::Delivery(DeliveryFrame::Message { sequence, .. }),
                ..
            } => {
                self.delivered.push((viewer, sequence));
            }
            PeerAction::ReadStats => self.peer_event(viewer, PeerEvent::Stats(sample(self.now))),
            _ => {}
        }
    }

    fn receive(&mut self, viewer: Generation, message: ChannelMessage) {
        self.peer_event(viewer, PeerEvent::Received(message));
    }

    fn peer_event(&mut self, viewer: Generation, event: PeerEvent) {
        self.handle(Input::Peer(viewer, event));
    }
}

fn hello(viewer: Generation) -> Hello {
    let identity = Identity(1_000 + u128::from(viewer.0));
    let epoch = Epoch(u64::from(viewer.0));
    let delivery = DeliveryHello { epoch, received: None, durability: Durability::InMemory };
    let rejoin = RejoinHello { identity, address: None, delivery: Some(delivery), spares: false };
    Hello { label: None, rejoin: Some(rejoin) }
}

fn description(sdp_type: SdpType) -> Description {
    Description { sdp_type, sdp: "a=ice-ufrag:bench\r\na=fingerprint:sha-256 AB:CD\r\n".to_owned() }
}

fn sample(at: Instant) -> Sample {
    let mut sample = Sample::new(at);
    sample.rtt = Some(Duration::from_millis(1));
    sample
}
