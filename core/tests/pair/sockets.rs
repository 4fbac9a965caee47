//! What travels between the nodes and the server.

use super::*;

/// How late a frame comes that comes late; longer than what a machine takes for a repetition (3 s).
const LATEST_ECHO: Duration = Duration::from_secs(5);

impl World {
    pub(super) fn socket(&mut self, node: Node, generation: Generation, action: SignalingAction) {
        let up = match action {
            SignalingAction::Open { limit, resume, .. } => {
                let network = self.machines[node].network;
                self.machines[node].sockets.insert(generation, network);
                let closed = SignalingEvent::Closed {
                    opened: false,
                    code: None,
                    status: None,
                    retry_after: None,
                    reason: "no answer".to_owned(),
                };
                if self.reaches_server(node, generation) && self.server_up {
                    Up::Open(resume)
                } else {
                    return self.plan(limit, Arrival::Machine(node, Input::Signaling(generation, closed)));
                }
            }
            SignalingAction::Send(message) => {
                self.log(node, || format!("  {generation} {message:?}"));
                Up::Say(message)
            }
            SignalingAction::Ping => Up::Ping,
            SignalingAction::Close => Up::Close,
            other => unreachable!("{other:?}"),
        };
        self.carry(Arrival::Server(node, generation, up));
    }

    pub(super) fn reaches_server(&self, node: Node, generation: Generation) -> bool {
        let machine = &self.machines[node];
        let bound = machine.sockets.get(&generation) == Some(&machine.network);
        bound && !self.is_broken(Trouble::Server(node)) && !self.is_broken(Trouble::Lost(node))
    }

    /// Lets a message travel between a node and the server, or get stuck.
    pub(super) fn carry(&mut self, arrival: Arrival) {
        let (node, generation) = match &arrival {
            Arrival::Server(node, generation, _) => (*node, *generation),
            Arrival::Machine(node, Input::Signaling(generation, _)) => (*node, *generation),
            _ => return,
        };
        if self.reaches_server(node, generation) {
            self.plan(LATENCY, arrival);
        } else {
            self.stuck.push(arrival);
        }
    }

    pub(super) fn serve(&mut self, node: Node, generation: Generation, up: Up) {
        if !self.server_up {
            return;
        }
        let down = match up {
            Up::Open(resume) => vec![match self.climate.names {
                Names::New => self.server.opens(node, generation),
                Names::Kept => self.server.takes_back(node, generation, resume),
            }],
            Up::Say(message) => self.server.hears(node, generation, message),
            Up::Ping if self.server.knows(node, generation) => vec![(node, generation, SignalingEvent::Pong)],
            Up::Ping => Vec::new(),
            Up::Close => {
                self.server.closes(node, generation);
                Vec::new()
            }
        };
        for (node, generation, event) in down {
            self.send_down(node, generation, event);
        }
    }

    /// Sends a frame down a socket: once, or as the climate has it, once more or late.
    fn send_down(&mut self, node: Node, generation: Generation, event: SignalingEvent) {
        let lot = if self.climate.echo == 0 { u64::MAX } else { self.roll(self.climate.echo) };
        if lot > 1 {
            return self.carry(Arrival::Machine(node, Input::Signaling(generation, event)));
        }
        self.tally.echoes += 1;
        let late = LATENCY + Duration::from_millis(self.roll(LATEST_ECHO.as_millis() as u64));
        self.plan(late, Arrival::Machine(node, Input::Signaling(generation, event.clone())));
        if lot == 0 {
            self.carry(Arrival::Machine(node, Input::Signaling(generation, event)));
        }
    }
}
