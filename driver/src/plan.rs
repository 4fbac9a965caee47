//! Starts a planned session as soon as its store has said what it remembers.

use tokio::time::Instant;

use rejoin_core::id::{RoomId, StreamId};
use rejoin_core::mail::{MailChange, Mailbag};
use rejoin_core::output::Warning;
use rejoin_core::session::{Audience, SessionRecord};
use rejoin_core::{
    Command, Event, Identity, MailStore, NetworkMonitor, PeerTransport, Policies, SessionStore, Settings,
    SignalingTransport, Supervisor,
};

use crate::clock::SleepWatch;
use crate::driver::{Driver, Ends, Ports};
use crate::postbox::Postbox;
use crate::store::{Keeper, recall};
use crate::telemetry;

/// A session that waits for its store.
pub(crate) struct Plan {
    /// What the machine is told.
    pub(crate) settings: Settings,
    /// The identity that beats a remembered one.
    pub(crate) chosen: Option<Identity>,
    /// What the application wishes for.
    pub(crate) wish: Wish,
    /// What answers the machine.
    pub(crate) policies: Policies,
    /// The socket.
    pub(crate) signaling: Box<dyn SignalingTransport>,
    /// The peer connections.
    pub(crate) peers: Box<dyn PeerTransport>,
    /// What watches the host's network.
    pub(crate) network: Option<Box<dyn NetworkMonitor>>,
    /// What remembers.
    pub(crate) store: Box<dyn SessionStore>,
    /// What keeps mail, if it shall outlive the process.
    pub(crate) mail_store: Option<Box<dyn MailStore>>,
    /// What it has kept.
    pub(crate) mailbag: Mailbag,
}

impl Plan {
    /// Recalls, and runs the session to its end.
    pub(crate) async fn run(mut self, ends: Ends) {
        telemetry::describe();
        let trouble = match recall(&mut *self.store).await {
            Ok(Some(record)) => {
                self.take_over(record);
                None
            }
            Ok(None) => None,
            Err(failure) => Some(Event::Warning(Warning::StoreFailed { reason: failure.0 })),
        };
        tracing::debug!(identity = %self.settings.identity, seed = self.settings.seed, "session starts");
        let mut postbox = Postbox::new(self.mail_store);
        let named = match self.mailbag.owner {
            Some(owner) if owner == self.settings.identity => Ok(()),
            Some(_) | None => postbox.keep(vec![MailChange::Owner(self.settings.identity)]),
        };
        let trouble =
            named.err().map(|failure| Event::Warning(Warning::StoreFailed { reason: failure.0 })).or(trouble);
        let mut machine = Supervisor::new(self.settings, self.policies, Instant::now().into_std());
        machine.restore(self.mailbag.mail);
        let ports = Ports {
            signaling: self.signaling,
            peers: self.peers,
            network: self.network,
            keeper: Keeper::spawn(self.store),
            postbox,
            sleep_watch: SleepWatch::of_host(),
        };
        let mut driver = Driver::new(machine, ports, ends);
        if let Some(trouble) = trouble {
            driver.tell_application(trouble);
        }
        driver.run(self.wish.into_commands()).await;
    }

    /// Takes over what the last process wished for, who it was, and what it called its viewers.
    pub(crate) fn take_over(&mut self, mut record: SessionRecord) {
        self.settings.identity = self.chosen.unwrap_or(record.identity);
        self.settings.viewers = std::mem::take(&mut record.viewers);
        self.wish.take_over(record);
    }
}

/// What the session wishes for at its start.
#[derive(Default)]
pub(crate) struct Wish {
    /// The room.
    pub(crate) room: Option<RoomId>,
    /// Streams to publish.
    pub(crate) streams: Vec<StreamId>,
    /// Streams to view.
    pub(crate) views: Vec<StreamId>,
    /// Whether to view the whole room.
    pub(crate) audience: Option<Audience>,
}

impl Wish {
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

    /// Adds what a record wishes for; the wish to view its room is no wish to view another.
    pub(crate) fn take_over(&mut self, record: SessionRecord) {
        if self.room.is_none() || self.room == record.room {
            self.audience = self.audience.take().or(record.audience);
        }
        self.room = self.room.take().or(record.room);
        record.streams.into_iter().for_each(|stream| self.publish(stream));
        record.views.into_iter().for_each(|stream| self.view(stream));
    }

    /// Returns the wish in the wire's order.
    pub(crate) fn into_commands(self) -> impl Iterator<Item = Command> {
        let audience = self.audience.into_iter().map(|Audience { except }| Command::ViewRoom { except });
        let room = self.room.into_iter().map(Command::JoinRoom);
        let streams = self.streams.into_iter().map(Command::Publish);
        let views = self.views.into_iter().map(Command::View);
        audience.chain(room).chain(streams).chain(views)
    }
}
