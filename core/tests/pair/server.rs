//! A signaling server that names every socket and forwards between them.

use std::collections::BTreeMap;

use rejoin_core::port::{Resumption, SignalingEvent};
use rejoin_core::{Generation, SignalingAddress, SignalingMessage, StreamId};

/// A node's number.
pub(crate) type Node = usize;

/// One socket, as the server sees it.
#[derive(Debug)]
struct Socket {
    node: Node,
    generation: Generation,
}

/// What the server knows.
#[derive(Debug, Default)]
pub(crate) struct Server {
    sockets: BTreeMap<SignalingAddress, Socket>,
    seeds: BTreeMap<StreamId, SignalingAddress>,
    waiting: Vec<(StreamId, SignalingAddress)>,
    named: u32,
}

/// What goes down one socket.
pub(crate) type Down = (Node, Generation, SignalingEvent);

impl Server {
    pub(crate) fn opens(&mut self, node: Node, generation: Generation) -> Down {
        let address = self.name();
        self.sockets.insert(address, Socket { node, generation });
        (node, generation, SignalingEvent::Opened { resumption: None, resumed: false })
    }

    /// Gives a node back what it was called, if it says so, and tells it what it is called.
    pub(crate) fn takes_back(
        &mut self,
        node: Node,
        generation: Generation,
        resume: Option<Resumption>,
    ) -> Down {
        let resumed = resume.is_some();
        let address = resume.map_or_else(|| self.name(), |resume| resume.address);
        self.sockets.insert(address.clone(), Socket { node, generation });
        let resumption = Some(Resumption { address, secret: "s".into() });
        (node, generation, SignalingEvent::Opened { resumption, resumed })
    }

    fn name(&mut self) -> SignalingAddress {
        self.named += 1;
        SignalingAddress(format!("u{}", self.named).into())
    }

    pub(crate) fn closes(&mut self, node: Node, generation: Generation) {
        if let Some(address) = self.address(node, generation) {
            self.sockets.remove(&address);
            self.seeds.retain(|_, seeder| *seeder != address);
            self.waiting.retain(|(_, waiter)| *waiter != address);
        }
    }

    /// Forgets everything and returns whom it left.
    pub(crate) fn crash(&mut self) -> Vec<(Node, Generation)> {
        self.seeds.clear();
        self.waiting.clear();
        std::mem::take(&mut self.sockets)
            .into_values()
            .map(|socket| (socket.node, socket.generation))
            .collect()
    }

    pub(crate) fn knows(&self, node: Node, generation: Generation) -> bool {
        self.address(node, generation).is_some()
    }

    pub(crate) fn hears(
        &mut self,
        node: Node,
        generation: Generation,
        message: SignalingMessage,
    ) -> Vec<Down> {
        let Some(own) = self.address(node, generation) else { return Vec::new() };
        match message {
            SignalingMessage::Seed { stream } => {
                self.seeds.insert(stream.clone(), own.clone());
                let (served, waiting) =
                    std::mem::take(&mut self.waiting).into_iter().partition(|(it, _)| *it == stream);
                self.waiting = waiting;
                let served: Vec<(StreamId, SignalingAddress)> = served;
                served.into_iter().filter_map(|(stream, waiter)| self.ask(&own, waiter, stream)).collect()
            }
            SignalingMessage::Play { stream } => match self.seeds.get(&stream).cloned() {
                Some(seeder) => self.ask(&seeder, own, stream).into_iter().collect(),
                None => {
                    self.waiting.push((stream, own));
                    Vec::new()
                }
            },
            SignalingMessage::Description { address: Some(to), session, stream, description } => {
                let address = Some(own);
                self.down(&to, SignalingMessage::Description { address, session, stream, description })
            }
            SignalingMessage::Candidates { address: Some(to), session, sender, candidates } => {
                let address = Some(own);
                self.down(&to, SignalingMessage::Candidates { address, session, sender, candidates })
            }
            SignalingMessage::RestartIce { address: Some(to), session } => {
                self.down(&to, SignalingMessage::RestartIce { address: Some(own), session })
            }
            SignalingMessage::Bye { address: Some(to) } => {
                self.down(&to, SignalingMessage::Bye { address: Some(own) })
            }
            _ => Vec::new(),
        }
    }

    fn ask(&self, seeder: &SignalingAddress, viewer: SignalingAddress, stream: StreamId) -> Option<Down> {
        let request = SignalingMessage::OfferRequested { address: viewer, stream: Some(stream) };
        self.down(seeder, request).pop()
    }

    fn down(&self, to: &SignalingAddress, message: SignalingMessage) -> Vec<Down> {
        let socket = self.sockets.get(to).into_iter();
        socket.map(|one| (one.node, one.generation, SignalingEvent::Received(message.clone()))).collect()
    }

    fn address(&self, node: Node, generation: Generation) -> Option<SignalingAddress> {
        let mut sockets = self.sockets.iter();
        sockets
            .find(|(_, one)| one.node == node && one.generation == generation)
            .map(|(address, _)| address.clone())
    }
}
