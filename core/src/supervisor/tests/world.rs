//! A world that mostly answers what the machine asks, and else says anything at any time.

use std::collections::VecDeque;
use std::time::Instant;

use super::*;
use crate::ice::{IceCandidate, IceConnectionState, Role};
use crate::id::{SessionId, SignalingAddress};
use crate::message::{ChannelMessage, Payload, SignalingMessage, Token};
use crate::port::{PeerAction, Resumption, SignalingAction};
use crate::sdp::SdpType;
use crate::supervisor::tests::words::{
    address, command, delivery, describe, hello, listing, message, offer, sample, snapshot,
};

/// What decides one input: the kind, and three choices within it.
pub(super) type Dice = [u8; 4];

/// The other side of the ports.
#[derive(Debug)]
pub(super) struct World {
    now: Instant,
    /// Answers on their way.
    due: VecDeque<Input>,
    connections: Vec<Generation>,
    sockets: Vec<Generation>,
    offers: u8,
}

impl World {
    pub(super) fn new(now: Instant) -> Self {
        Self { now, due: VecDeque::new(), connections: Vec::new(), sockets: Vec::new(), offers: 0 }
    }

    /// Returns what happens next, and when.
    pub(super) fn next(&mut self, throw: &Dice, machine: &Supervisor) -> (Input, Instant) {
        let [kind, a, b, c] = *throw;
        self.now += if kind < 150 { ms(u64::from(c) / 16) } else { ms(u64::from(c) * u64::from(c) / 16) };
        let input = match kind {
            0..140 => self.due.pop_front().or_else(|| self.wait(machine)),
            140..145 => self.due.remove(usize::from(a) % self.due.len().max(1)),
            145..150 => {
                self.due.pop_front();
                None
            }
            150..185 => self.wait(machine),
            185..200 => Some(Input::Command(command(a, b, machine))),
            200..216 => Some(Input::Signaling(self.socket(a), self.signaling(b, c, machine))),
            216..247 => Some(Input::Peer(self.connection(a), self.peer(b, c, machine))),
            247..254 => Some(Input::Network(snapshot(a))),
            254..=255 => Some(Input::Suspended(ms(u64::from(a) * 1_000))),
        };
        (input.unwrap_or(Input::Timeout), self.now)
    }

    /// Lets the time of the next deadline come.
    fn wait(&mut self, machine: &Supervisor) -> Option<Input> {
        self.now = machine.next_timeout().map_or(self.now, |(at, _)| at.max(self.now));
        Some(Input::Timeout)
    }

    /// Reads what the machine wants and prepares the answers.
    pub(super) fn watch(&mut self, outputs: &[Output]) {
        for output in outputs {
            match output {
                Output::Signaling(socket, action) => self.serve(*socket, action),
                Output::Peer(connection, action) => self.connect(*connection, action),
                Output::Persist(_) | Output::StoreDelivery(_) | Output::Event(_) => {}
            }
        }
    }

    fn serve(&mut self, socket: Generation, action: &SignalingAction) {
        let answer = match action {
            SignalingAction::Open { .. } => {
                self.sockets.push(socket);
                let resumption = socket.0.is_multiple_of(2).then(|| Resumption {
                    address: SignalingAddress("ours".into()),
                    secret: "secret".into(),
                });
                SignalingEvent::Opened { resumption, resumed: socket.0.is_multiple_of(4) }
            }
            SignalingAction::Ping => SignalingEvent::Pong,
            SignalingAction::Send(message) => match self.relay(message) {
                Some(answer) => SignalingEvent::Received(answer),
                None => return,
            },
            SignalingAction::Close => return,
        };
        self.due.push_back(Input::Signaling(socket, answer));
    }

    /// Answers as the server and the peers behind it do.
    fn relay(&mut self, message: &SignalingMessage) -> Option<SignalingMessage> {
        match message {
            SignalingMessage::JoinRoom { .. } => Some(listing()),
            SignalingMessage::Seed { stream } => Some(SignalingMessage::OfferRequested {
                address: address(self.offers),
                stream: Some(stream.clone()),
            }),
            SignalingMessage::Play { stream } => {
                self.offers = self.offers.wrapping_add(1);
                let session = SessionId(format!("p{}", self.offers).into());
                Some(offer(self.offers, session, Some(stream.clone()), 0))
            }
            SignalingMessage::Description { address, session, description, .. }
                if description.sdp_type == SdpType::Offer =>
            {
                Some(SignalingMessage::Description {
                    address: address.clone(),
                    session: session.clone(),
                    stream: None,
                    description: describe(SdpType::Answer, 0, self.offers),
                })
            }
            _ => None,
        }
    }

    fn connect(&mut self, connection: Generation, action: &PeerAction) {
        let mut report = |event| self.due.push_back(Input::Peer(connection, event));
        match action {
            PeerAction::Create(setup) => {
                self.connections.push(connection);
                if setup.role == Role::Offerer {
                    report(PeerEvent::LocalDescription(describe(SdpType::Offer, 9, 0)));
                }
            }
            PeerAction::RestartIce(_) => {
                report(PeerEvent::LocalDescription(describe(SdpType::Offer, 9, 1)));
            }
            PeerAction::Accept(description) => {
                if description.sdp_type == SdpType::Offer {
                    report(PeerEvent::LocalDescription(describe(SdpType::Answer, 9, 0)));
                }
                report(PeerEvent::IceConnectionState(IceConnectionState::Connected));
                report(PeerEvent::ChannelOpen);
            }
            PeerAction::Send { tag: 0, message: ChannelMessage::Ping(token) } => {
                report(PeerEvent::Received(ChannelMessage::Pong(token.clone())));
            }
            PeerAction::Send { tag: 0, message: ChannelMessage::Hello(_) } => {
                report(PeerEvent::Received(hello(connection.0 as u8)));
            }
            PeerAction::Send {
                message: ChannelMessage::Signaling(SignalingMessage::Description { session, description, .. }),
                ..
            } if description.sdp_type == SdpType::Offer => {
                let answer = SignalingMessage::Description {
                    address: None,
                    session: session.clone(),
                    stream: None,
                    description: describe(SdpType::Answer, 0, self.offers),
                };
                report(PeerEvent::Received(ChannelMessage::Signaling(answer)));
            }
            PeerAction::ReadStats => report(PeerEvent::Stats(sample(self.now, 0))),
            PeerAction::Send { .. } | PeerAction::AddCandidates(_) | PeerAction::Close => {}
        }
    }

    /// Returns mostly the newest socket.
    fn socket(&self, a: u8) -> Generation {
        let number = if a < 220 { self.sockets.len().saturating_sub(1) } else { usize::from(a) % 8 };
        self.sockets.get(number).copied().unwrap_or(Generation(u32::from(a)))
    }

    /// Returns any connection, mostly a late one.
    fn connection(&self, a: u8) -> Generation {
        let back = usize::from(a) % 6;
        let number = self.connections.len().checked_sub(1 + back);
        number.map_or(Generation(u32::from(a)), |number| self.connections[number])
    }

    fn signaling(&self, b: u8, c: u8, machine: &Supervisor) -> SignalingEvent {
        match b % 8 {
            0 => SignalingEvent::Opened { resumption: None, resumed: c.is_multiple_of(3) },
            1 => SignalingEvent::Pong,
            2 => SignalingEvent::Malformed { reason: "?".into() },
            3 => SignalingEvent::Closed {
                opened: c.is_multiple_of(2),
                code: c.is_multiple_of(3).then_some(1006),
                status: c.is_multiple_of(5).then_some(503),
                retry_after: c.is_multiple_of(7).then(|| Duration::from_secs(u64::from(c) * 10)),
                reason: String::new(),
            },
            4..=7 => SignalingEvent::Received(message(b / 8, c, machine)),
            _ => unreachable!(),
        }
    }

    fn peer(&self, b: u8, c: u8, machine: &Supervisor) -> PeerEvent {
        let states = [
            IceConnectionState::New,
            IceConnectionState::Checking,
            IceConnectionState::Connected,
            IceConnectionState::Completed,
            IceConnectionState::Disconnected,
            IceConnectionState::Disconnected,
            IceConnectionState::Failed,
            IceConnectionState::Closed,
        ];
        let payload = Payload("\"m\"".into());
        match b % 21 {
            0 => PeerEvent::LocalDescription(describe(SdpType::Offer, 9, c)),
            1 => PeerEvent::LocalDescription(describe(SdpType::Answer, 9, c)),
            2 => PeerEvent::LocalCandidates(vec![IceCandidate::default()]),
            3..=6 => PeerEvent::IceConnectionState(states[usize::from(c) % 8]),
            7 => PeerEvent::ChannelOpen,
            8 => PeerEvent::ChannelClosed,
            9 => PeerEvent::Malformed { reason: "?".into() },
            10 => PeerEvent::Unsent { tag: u64::from(c % 8), message: ChannelMessage::Application(payload) },
            11 => PeerEvent::Writable,
            12 => PeerEvent::Stats(sample(self.now, u64::from(c % 3))),
            13 => PeerEvent::Failed { reason: "?".into() },
            14 => PeerEvent::Received(hello(c)),
            15 => PeerEvent::Received(ChannelMessage::Ping(Token("\"t\"".into()))),
            16 => PeerEvent::Received(ChannelMessage::Pong(Token((c % 8).to_string().into()))),
            17 => PeerEvent::Received(ChannelMessage::Bye),
            18 => PeerEvent::Received(ChannelMessage::Signaling(message(b / 16, c, machine))),
            19 => PeerEvent::Received(ChannelMessage::Application(payload)),
            20 => PeerEvent::Received(delivery(c)),
            _ => unreachable!(),
        }
    }
}
