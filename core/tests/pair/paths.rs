//! What travels between the nodes.

use super::*;

/// How many messages SCTP sends into a path from which nothing comes back.
const WINDOW: usize = 64;
/// How often a full channel is looked at.
const ROOM_INTERVAL: Duration = Duration::from_millis(10);
/// How many messages a slow path carries in a tick.
const SLOW: usize = 4;

impl World {
    pub(super) fn peer(&mut self, id: Id, action: PeerAction) {
        let network = self.machines[id.0].network;
        if !matches!(action, PeerAction::Send { .. } | PeerAction::ReadStats) {
            self.log(id.0, || format!("  {} {action:?}", id.1));
        }
        if let PeerAction::Create(setup) = &action {
            let delay = Duration::from_millis(self.roll(self.climate.latency.as_millis() as u64 + 1));
            self.tally.built += 1;
            self.connections.insert(id, Connection::new(self.now, network, delay));
            if setup.role == rejoin_core::Role::Answerer {
                return;
            }
        }
        let now = self.now;
        let Some(connection) = self.connections.get_mut(&id) else { return };
        match action {
            PeerAction::Create(_) | PeerAction::RestartIce(_) => {
                self.tally.restarted += u64::from(matches!(action, PeerAction::RestartIce(_)));
                let offer = connection.offer(id);
                self.described(id, offer);
            }
            PeerAction::Accept(description) => {
                connection.heard_at = now;
                if let Some(answer) = connection.accept(id, &description, network) {
                    self.described(id, answer);
                }
            }
            PeerAction::Send { tag, message } => self.hand_over(id, tag, message),
            PeerAction::ReadStats => {
                let sample = sample(now, connection.lane.outstanding(now) as u64);
                self.report(id, PeerEvent::Stats(sample));
            }
            PeerAction::Close => self.close(id),
            PeerAction::AddCandidates(_) => {}
            other => unreachable!("{other:?}"),
        }
        self.pump(id);
    }

    fn report(&mut self, id: Id, event: PeerEvent) {
        self.plan(Duration::ZERO, Arrival::Machine(id.0, Input::Peer(id.1, event)));
    }

    fn described(&mut self, id: Id, description: Description) {
        let event = PeerEvent::LocalDescription(description);
        self.plan(Duration::from_millis(2), Arrival::Machine(id.0, Input::Peer(id.1, event)));
    }

    fn close(&mut self, id: Id) {
        self.pump(id);
        let other = self.passes(id);
        let Some(connection) = self.connections.remove(&id) else { return };
        if let Some(other) = other {
            let last = connection.lane.last(self.now);
            self.plan_at(last, Arrival::Machine(other.0, Input::Peer(other.1, PeerEvent::ChannelClosed)));
        }
    }

    // ---- the data channel

    /// A channel takes a message, or gives it back, and every later one until its sender knows and there is room.
    fn hand_over(&mut self, id: Id, tag: u64, message: ChannelMessage) {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let lane = &mut connection.lane;
        let full = lane.room != Room::Free || lane.outstanding(now) >= self.climate.capacity;
        if connection.channel == Channel::Open && !full {
            return lane.queue.push_back(message);
        }
        if lane.room == Room::Free {
            lane.room = Room::Refused;
        }
        self.tally.unsent += 1;
        self.report(id, PeerEvent::Unsent { tag, message });
    }

    /// A machine learns of what its channel has done.
    pub(super) fn notice(&mut self, node: Node, input: &Input) {
        let Input::Peer(generation, event) = input else { return };
        match (self.connections.get_mut(&(node, *generation)), event) {
            (Some(connection), PeerEvent::Unsent { .. }) if connection.lane.room == Room::Refused => {
                connection.lane.room = Room::Known;
                self.plan(ROOM_INTERVAL, Arrival::Room((node, *generation)));
            }
            (
                Some(_),
                PeerEvent::Received(ChannelMessage::Delivery(DeliveryFrame::Message { payload, .. })),
            ) => {
                let again = self.audits[1 - node].has_arrived(&payload.0);
                self.tally.repeated += u64::from(again);
            }
            (None, PeerEvent::Received(ChannelMessage::Delivery(DeliveryFrame::Message { .. }))) => {
                self.tally.stale += 1
            }
            _ => {}
        }
    }

    /// A channel that was full is looked at until it has room.
    pub(super) fn look_for_room(&mut self, id: Id) {
        let (now, capacity) = (self.now, self.climate.capacity);
        let Some(connection) = self.connections.get_mut(&id) else { return };
        if connection.lane.room != Room::Known || connection.channel != Channel::Open {
            return;
        }
        if connection.lane.outstanding(now) <= capacity / 2 {
            connection.lane.room = Room::Free;
            self.report(id, PeerEvent::Writable);
        } else {
            self.plan(ROOM_INTERVAL, Arrival::Room(id));
        }
    }

    /// Delivers what is queued, if it can be.
    fn pump(&mut self, id: Id) {
        let (there, back) = (self.passes(id), self.other_end(id).is_some());
        let (slow, now) = (self.is_broken(Trouble::Slow), self.now);
        let most_jitter = self.climate.latency / 4;
        let jitter = Duration::from_millis(self.roll(most_jitter.as_millis() as u64 + 1));
        let Some(other) = there.and_then(|there| self.connections.get(&there)).map(|far| far.lane.pace())
        else {
            return;
        };
        let Some((there, connection)) = there.zip(self.connections.get_mut(&id)) else { return };
        if connection.channel != Channel::Open {
            return;
        }
        let lane = &mut connection.lane;
        if back {
            lane.unacknowledged = 0;
        }
        let mut arrivals = Vec::new();
        while (back || lane.unacknowledged < WINDOW) && (!slow || lane.tokens > 0) {
            let Some(arrival) = lane.take(now, jitter) else { break };
            lane.expect(arrival.0, most_jitter, other);
            arrivals.push(arrival);
            lane.tokens = lane.tokens.saturating_sub(1);
            lane.unacknowledged += usize::from(!back);
        }
        for (at, message) in arrivals {
            self.plan_at(at, Arrival::Machine(there.0, Input::Peer(there.1, PeerEvent::Received(message))));
        }
    }

    // ---- the paths

    /// Returns where what this end sends arrives.
    fn passes(&self, id: Id) -> Option<Id> {
        let connection = self.connections.get(&id)?;
        let (other, _) = connection.remote?;
        let far = self.connections.get(&other)?;
        let bound = connection.bound_to == self.machines[id.0].network
            && far.bound_to == self.machines[other.0].network;
        let off = (0..2)
            .any(|node| [Trouble::Lost(node), Trouble::Sleep(node)].iter().any(|it| self.is_broken(*it)));
        let failed = [connection.ice, far.ice].contains(&IceConnectionState::Failed);
        let cut = self.is_broken(Trouble::Path) || self.is_broken(Trouble::OneWay(id.0));
        (bound && !off && !failed && !cut && connection.fits(id, far, other)).then_some(other)
    }

    /// Returns the other end, if the path works both ways.
    pub(super) fn other_end(&self, id: Id) -> Option<Id> {
        let other = self.passes(id)?;
        (self.passes(other) == Some(id)).then_some(other)
    }

    pub(super) fn tick(&mut self) {
        if !self.connections.keys().any(|id| self.other_end(*id).is_some()) {
            self.unsettled_at = self.now;
        }
        let ids: Vec<Id> = self.connections.keys().copied().collect();
        for id in ids {
            if !self.is_broken(Trouble::Sleep(id.0)) {
                self.look_at_path(id);
            }
        }
    }

    fn look_at_path(&mut self, id: Id) {
        let works = self.other_end(id).is_some();
        let hears = self
            .connections
            .get(&id)
            .and_then(|one| one.remote)
            .is_some_and(|(far, _)| self.passes(far) == Some(id));
        let now = self.now;
        let Some(connection) = self.connections.get_mut(&id) else { return };
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
        if works || hears && connection.ice == IceConnectionState::Connected {
            connection.heard_at = now;
        }
        if ice != connection.ice {
            connection.ice = ice;
            events.push(PeerEvent::IceConnectionState(ice));
        }
        if works && connection.channel == Channel::Opening {
            connection.channel = Channel::Open;
            events.push(PeerEvent::ChannelOpen);
        }
        connection.lane.tokens = SLOW;
        for event in events {
            self.happen(id.0, Input::Peer(id.1, event));
        }
        self.pump(id);
    }

    pub(super) fn close_channels(&mut self) {
        let open: Vec<Id> =
            self.connections.keys().copied().filter(|id| self.other_end(*id).is_some()).collect();
        for id in open {
            self.pump(id);
            if let Some(connection) = self.connections.get_mut(&id) {
                connection.channel = Channel::Closed;
                let last = connection.lane.last(self.now);
                if let Some((far, _)) = connection.remote {
                    self.plan_at(last, Arrival::Machine(far.0, Input::Peer(far.1, PeerEvent::ChannelClosed)));
                }
            }
        }
    }

    pub(super) fn fail_ice(&mut self, node: Node) {
        let ids: Vec<Id> = self.connections.keys().copied().filter(|id| id.0 == node).collect();
        for id in ids {
            let failed = IceConnectionState::Failed;
            if let Some(connection) =
                self.connections.get_mut(&id).filter(|one| one.ice != IceConnectionState::New)
            {
                connection.ice = failed;
                self.report(id, PeerEvent::IceConnectionState(failed));
            }
        }
    }
}

fn sample(at: Instant, bytes_outstanding: u64) -> Sample {
    let mut sample = Sample::new(at);
    sample.bytes_outstanding = bytes_outstanding;
    sample
}
