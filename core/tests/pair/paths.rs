//! What travels between the nodes.

use super::*;

impl World {
    pub(super) fn peer(&mut self, id: Id, action: PeerAction) {
        let network = self.machines[id.0].network;
        if !matches!(action, PeerAction::Send { .. } | PeerAction::ReadStats) {
            self.tell(id.0, &format!("  {} {action:?}", id.1));
        }
        if let PeerAction::Create(setup) = &action {
            self.connections.insert(id, Connection::new(self.now, network));
            if setup.role == rejoin_core::Role::Answerer {
                return;
            }
        }
        let now = self.now;
        let Some(connection) = self.connections.get_mut(&id) else { return };
        match action {
            PeerAction::Create(_) | PeerAction::RestartIce(_) => {
                let offer = connection.offer(id);
                self.described(id, offer);
            }
            PeerAction::Accept(description) => {
                connection.heard_at = now;
                if let Some(answer) = connection.accept(id, &description, network) {
                    self.described(id, answer);
                }
            }
            PeerAction::Send { message, .. } => connection.queue.push(message),
            PeerAction::ReadStats => {
                let sample = sample(now, connection.queue.len() as u64);
                self.plan(
                    Duration::ZERO,
                    Arrival::Machine(id.0, Input::Peer(id.1, PeerEvent::Stats(sample))),
                );
            }
            PeerAction::Close => self.close(id),
            PeerAction::AddCandidates(_) => {}
        }
        self.pump(id);
    }

    pub(super) fn described(&mut self, id: Id, description: Description) {
        let event = PeerEvent::LocalDescription(description);
        self.plan(Duration::from_millis(2), Arrival::Machine(id.0, Input::Peer(id.1, event)));
    }

    pub(super) fn close(&mut self, id: Id) {
        self.pump(id);
        let other = self.other_end(id);
        self.connections.remove(&id);
        if let Some(other) = other {
            self.plan(LATENCY, Arrival::Machine(other.0, Input::Peer(other.1, PeerEvent::ChannelClosed)));
        }
    }

    /// Returns the other end, if the path to it works.
    pub(super) fn other_end(&self, id: Id) -> Option<Id> {
        let connection = self.connections.get(&id)?;
        let (other, _) = connection.remote?;
        let far = self.connections.get(&other)?;
        let bound = connection.bound_to == self.machines[id.0].network
            && far.bound_to == self.machines[other.0].network;
        let lost = (0..2).any(|node| self.is_broken(Trouble::Lost(node)));
        let failed = [connection.ice, far.ice].contains(&IceConnectionState::Failed);
        let works =
            bound && !lost && !failed && !self.is_broken(Trouble::Path) && connection.fits(id, far, other);
        works.then_some(other)
    }

    /// Delivers what is queued, if it can be.
    pub(super) fn pump(&mut self, id: Id) {
        let Some(other) = self.other_end(id) else { return };
        let Some(connection) = self.connections.get_mut(&id).filter(|one| one.channel_open) else { return };
        for message in std::mem::take(&mut connection.queue) {
            let event = PeerEvent::Received(message);
            self.plan(LATENCY, Arrival::Machine(other.0, Input::Peer(other.1, event)));
        }
    }

    pub(super) fn tick(&mut self) {
        if !self.connections.keys().any(|id| self.other_end(*id).is_some()) {
            self.unsettled_at = self.now;
        }
        let ids: Vec<Id> = self.connections.keys().copied().collect();
        for id in ids {
            let works = self.other_end(id).is_some();
            let now = self.now;
            let Some(connection) = self.connections.get_mut(&id) else { continue };
            let silent = now.duration_since(connection.heard_at);
            let mut events = Vec::new();
            let ice = match connection.ice {
                IceConnectionState::Failed => IceConnectionState::Failed,
                _ if works => IceConnectionState::Connected,
                IceConnectionState::Connected if silent > Duration::from_secs(5) => {
                    IceConnectionState::Disconnected
                }
                IceConnectionState::Checking | IceConnectionState::Disconnected
                    if silent > Duration::from_secs(30) =>
                {
                    IceConnectionState::Failed
                }
                ice => ice,
            };
            if works {
                connection.heard_at = now;
            }
            if ice != connection.ice {
                connection.ice = ice;
                events.push(PeerEvent::IceConnectionState(ice));
            }
            if works && !connection.channel_open {
                connection.channel_open = true;
                events.push(PeerEvent::ChannelOpen);
            }
            for event in events {
                self.happen(id.0, Input::Peer(id.1, event));
            }
            self.pump(id);
        }
    }
}

fn sample(at: Instant, bytes_outstanding: u64) -> Sample {
    Sample {
        at,
        rtt: None,
        packets_received: 0,
        packets_lost: 0,
        bytes_sent: 0,
        bytes_received: 0,
        bytes_outstanding,
        probes_sent: 0,
        probes_answered: 0,
    }
}
