//! A signaling server that names every socket and forwards between them.

use std::collections::BTreeMap;

use rejoin_core::port::{Resumption, SignalingEvent};
use rejoin_core::{Generation, Route, SignalingMessage, StreamId};

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
    sockets: BTreeMap<Route, Socket>,
    seeds: BTreeMap<StreamId, Route>,
    waiting: Vec<(StreamId, Route)>,
    named: u32,
}

/// What goes down one socket.
pub(crate) type Down = (Node, Generation, SignalingEvent);

impl Server {
    pub(crate) fn opens(&mut self, node: Node, generation: Generation) -> Down {
        let route = self.name();
        self.sockets.insert(route, Socket { node, generation });
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
        let route = resume.map_or_else(|| self.name(), |resume| resume.route);
        self.sockets.insert(route.clone(), Socket { node, generation });
        let resumption = Some(Resumption { route, secret: "s".into() });
        (node, generation, SignalingEvent::Opened { resumption, resumed })
    }

    fn name(&mut self) -> Route {
        self.named += 1;
        Route(format!("u{}", self.named).into())
    }

    pub(crate) fn closes(&mut self, node: Node, generation: Generation) {
        if let Some(route) = self.route(node, generation) {
            self.sockets.remove(&route);
            self.seeds.retain(|_, seeder| *seeder != route);
            self.waiting.retain(|(_, waiter)| *waiter != route);
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
        self.route(node, generation).is_some()
    }

    pub(crate) fn hears(
        &mut self,
        node: Node,
        generation: Generation,
        message: SignalingMessage,
    ) -> Vec<Down> {
        let Some(own) = self.route(node, generation) else { return Vec::new() };
        match message {
            SignalingMessage::Seed { stream } => {
                self.seeds.insert(stream.clone(), own.clone());
                let (served, waiting) =
                    std::mem::take(&mut self.waiting).into_iter().partition(|(it, _)| *it == stream);
                self.waiting = waiting;
                let served: Vec<(StreamId, Route)> = served;
                served.into_iter().filter_map(|(stream, waiter)| self.ask(&own, waiter, stream)).collect()
            }
            SignalingMessage::Play { stream } => match self.seeds.get(&stream).cloned() {
                Some(seeder) => self.ask(&seeder, own, stream).into_iter().collect(),
                None => {
                    self.waiting.push((stream, own));
                    Vec::new()
                }
            },
            SignalingMessage::Description { route: Some(to), session, stream, description } => {
                let route = Some(own);
                self.down(&to, SignalingMessage::Description { route, session, stream, description })
            }
            SignalingMessage::Candidates { route: Some(to), session, sender, candidates } => {
                let route = Some(own);
                self.down(&to, SignalingMessage::Candidates { route, session, sender, candidates })
            }
            SignalingMessage::RestartIce { route: Some(to), session } => {
                self.down(&to, SignalingMessage::RestartIce { route: Some(own), session })
            }
            SignalingMessage::Bye { route: Some(to) } => {
                self.down(&to, SignalingMessage::Bye { route: Some(own) })
            }
            _ => Vec::new(),
        }
    }

    fn ask(&self, seeder: &Route, viewer: Route, stream: StreamId) -> Option<Down> {
        let request = SignalingMessage::OfferRequested { route: viewer, stream: Some(stream) };
        self.down(seeder, request).pop()
    }

    fn down(&self, to: &Route, message: SignalingMessage) -> Vec<Down> {
        let socket = self.sockets.get(to).into_iter();
        socket.map(|one| (one.node, one.generation, SignalingEvent::Received(message.clone()))).collect()
    }

    fn route(&self, node: Node, generation: Generation) -> Option<Route> {
        let mut sockets = self.sockets.iter();
        sockets
            .find(|(_, one)| one.node == node && one.generation == generation)
            .map(|(route, _)| route.clone())
    }
}
