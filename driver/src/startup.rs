//! The start of a session: loads the session record, then creates and runs the driver.

use tokio::time::Instant;

use rejoin_core::delivery::durable::{Snapshot, StoreChange};
use rejoin_core::id::{RoomId, StreamId};
use rejoin_core::output::Warning;
use rejoin_core::session::{SessionRecord, ViewAll};
use rejoin_core::{
    Command, DeliveryStore, Event, Identity, NetworkMonitor, PeerTransport, Policies, SessionStore, Settings,
    SignalingTransport, Supervisor,
};

use crate::driver::{AppChannels, Driver, Ports};
use crate::store::{SessionSaver, load_record};
use crate::store_writer::DeliveryWriter;
use crate::suspend_detector::SuspendDetector;
use crate::telemetry;

/// A session that has not loaded its record yet.
pub(crate) struct Startup {
    /// The settings of the machine.
    pub(crate) settings: Settings,
    /// The identity that takes precedence over the stored one.
    pub(crate) chosen_identity: Option<Identity>,
    /// The intent of the application.
    pub(crate) intent: InitialIntent,
    /// The policies of the machine.
    pub(crate) policies: Policies,
    /// The signaling transport.
    pub(crate) signaling: Box<dyn SignalingTransport>,
    /// The peer transport.
    pub(crate) peers: Box<dyn PeerTransport>,
    /// The monitor of the host's network, if there is one.
    pub(crate) network: Option<Box<dyn NetworkMonitor>>,
    /// The store of the session record.
    pub(crate) store: Box<dyn SessionStore>,
    /// The store of undelivered messages, if there is one.
    pub(crate) delivery_store: Option<Box<dyn DeliveryStore>>,
    /// The content of the delivery store.
    pub(crate) snapshot: Snapshot,
}

impl Startup {
    /// Loads the record and runs the session to its end.
    pub(crate) async fn run(mut self, app: AppChannels) {
        telemetry::describe();
        let load_failure = match load_record(&mut *self.store).await {
            Ok(Some(record)) => {
                self.merge(record);
                None
            }
            Ok(None) => None,
            Err(failure) => Some(failure),
        };
        tracing::debug!(identity = %self.settings.identity, seed = self.settings.seed, "session starts");
        let mut delivery_writer = DeliveryWriter::new(self.delivery_store);
        let owner_stored = match self.snapshot.identity {
            Some(owner) if owner == self.settings.identity => Ok(()),
            Some(_) | None => delivery_writer.store(vec![StoreChange::Identity(self.settings.identity)]),
        };
        let failure = owner_stored.err().or(load_failure);
        let mut machine = Supervisor::new(self.settings, self.policies, Instant::now().into_std());
        machine.restore(self.snapshot.peers);
        let ports = Ports {
            signaling: self.signaling,
            peers: self.peers,
            network: self.network,
            session_saver: SessionSaver::spawn(self.store),
            delivery_writer,
            suspend_detector: SuspendDetector::new(),
        };
        let mut driver = Driver::new(machine, ports, app);
        if let Some(failure) = failure {
            driver.emit(Event::Warning(Warning::StoreFailed { reason: failure.0 }));
        }
        driver.run(self.intent.into_commands()).await;
    }

    /// Takes over intent, identity and viewer names of the last process.
    pub(crate) fn merge(&mut self, mut record: SessionRecord) {
        self.settings.identity = self.chosen_identity.unwrap_or(record.identity);
        self.settings.viewers = std::mem::take(&mut record.viewers);
        self.intent.merge(record);
    }
}

/// The intent with which a session starts.
#[derive(Default)]
pub(crate) struct InitialIntent {
    /// The room to join.
    pub(crate) room: Option<RoomId>,
    /// Streams to publish.
    pub(crate) streams: Vec<StreamId>,
    /// Streams to view.
    pub(crate) views: Vec<StreamId>,
    /// Whether to view the whole room.
    pub(crate) view_all: Option<ViewAll>,
}

impl InitialIntent {
    /// Adds a stream to publish.
    pub(crate) fn publish(&mut self, stream: StreamId) {
        if !self.streams.contains(&stream) {
            self.streams.push(stream);
        }
    }

    /// Adds a stream to view.
    pub(crate) fn view(&mut self, stream: StreamId) {
        if !self.views.contains(&stream) {
            self.views.push(stream);
        }
    }

    /// Adds the intent of a record; the intent to view a whole room applies to the record's room only.
    pub(crate) fn merge(&mut self, record: SessionRecord) {
        if self.room.is_none() || self.room == record.room {
            self.view_all = self.view_all.take().or(record.audience);
        }
        self.room = self.room.take().or(record.room);
        record.streams.into_iter().for_each(|stream| self.publish(stream));
        record.views.into_iter().for_each(|stream| self.view(stream));
    }

    /// Returns the intent as commands, in the order of the wire.
    pub(crate) fn into_commands(self) -> impl Iterator<Item = Command> {
        let view_all = self.view_all.into_iter().map(|ViewAll { except }| Command::ViewRoom { except });
        let room = self.room.into_iter().map(Command::JoinRoom);
        let streams = self.streams.into_iter().map(Command::Publish);
        let views = self.views.into_iter().map(Command::View);
        view_all.chain(room).chain(streams).chain(views)
    }
}
