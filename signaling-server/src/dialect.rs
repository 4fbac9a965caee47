//! The dialects that a server can speak, and what its shell asks of the one that it does.

use std::fmt::Debug;
use std::time::Instant;

use crate::frame::Malformed;
use crate::hosted::{Admission, AdmissionError, Arrival, ConnectionId, Counts, Effect, HostedDialect};
use crate::options::Limits;
use crate::self_host::SelfHostDialect;

/// Names what the clients of a server speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// The server names its sockets, lists its rooms and asks for offers, as `wss.vdo.ninja` does.
    #[default]
    Hosted,
    /// Clients sign with a `from` of their own, and the server passes their frames on as they came.
    SelfHost,
}

impl Dialect {
    /// Makes the state machine that speaks it.
    pub(crate) fn board(self, limits: Limits) -> Box<dyn ServerDialect> {
        match self {
            Self::Hosted => Box::new(HostedDialect::new(limits)),
            Self::SelfHost => Box::new(SelfHostDialect::new(limits)),
        }
    }
}

/// Decides, in one dialect, what a server does about its sockets: text in, effects out.
pub(crate) trait ServerDialect: Debug + Send {
    /// Lets a socket in.
    fn open(&mut self, arrival: Arrival, now: Instant) -> Result<(Admission, Vec<Effect>), AdmissionError>;

    /// Takes a text frame from a socket.
    fn receive(&mut self, connection: ConnectionId, text: &str, now: Instant) -> Vec<Effect>;

    /// Answers a frame that could not be read.
    fn refuse(&mut self, connection: ConnectionId, malformed: &Malformed, now: Instant) -> Vec<Effect>;

    /// Forgets a socket that is gone.
    fn close(&mut self, connection: ConnectionId, now: Instant);

    /// Counts what is there.
    fn counts(&self) -> Counts;
}

impl ServerDialect for HostedDialect {
    fn open(&mut self, arrival: Arrival, now: Instant) -> Result<(Admission, Vec<Effect>), AdmissionError> {
        self.open(arrival, now)
    }

    fn receive(&mut self, connection: ConnectionId, text: &str, now: Instant) -> Vec<Effect> {
        self.receive(connection, text, now)
    }

    fn refuse(&mut self, connection: ConnectionId, malformed: &Malformed, now: Instant) -> Vec<Effect> {
        self.refuse(connection, malformed, now)
    }

    fn close(&mut self, connection: ConnectionId, now: Instant) {
        self.close(connection, now);
    }

    fn counts(&self) -> Counts {
        self.counts()
    }
}

impl ServerDialect for SelfHostDialect {
    fn open(&mut self, arrival: Arrival, _: Instant) -> Result<(Admission, Vec<Effect>), AdmissionError> {
        self.open(arrival)
    }

    fn receive(&mut self, connection: ConnectionId, text: &str, _: Instant) -> Vec<Effect> {
        self.receive(connection, text)
    }

    fn refuse(&mut self, connection: ConnectionId, malformed: &Malformed, _: Instant) -> Vec<Effect> {
        self.refuse(connection, malformed)
    }

    fn close(&mut self, connection: ConnectionId, _: Instant) {
        self.close(connection);
    }

    fn counts(&self) -> Counts {
        self.counts()
    }
}
