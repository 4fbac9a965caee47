//! Plays one script in virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use rejoin_core::delivery::Epoch;
use rejoin_core::message::{ChannelMessage, Hello, Token};
use rejoin_core::port::{PeerAction, PeerEvent, SignalingAction, SignalingEvent};
use rejoin_core::supervisor::{Membership, Spares};
use rejoin_core::{
    Command, Generation, Identity, Input, Output, Platform, Policies, SessionId, Settings, SignalingMessage,
    Supervisor,
};
use rejoin_recovery::{First, Hedged};

use crate::{policies, read, tell};

/// A machine and the world around it.
pub(crate) struct Play {
    machine: Supervisor,
    start: Instant,
    now: Instant,
    lines: Vec<(Instant, String, u32)>,
    /// Sockets and connections that answer pings by themselves.
    answering: BTreeSet<Generation>,
    /// The newest socket.
    pub(crate) socket: Generation,
    /// The token of the last ping on each connection.
    pub(crate) pings: BTreeMap<Generation, Token>,
    /// The session that the machine gave to each connection.
    pub(crate) sessions: BTreeMap<Generation, SessionId>,
    /// The epoch in which the machine numbers its messages.
    pub(crate) epoch: Epoch,
    /// The connection whose description is ready and has not left.
    described: Option<Generation>,
}

impl Play {
    pub(crate) fn new() -> Self {
        let start = Instant::now();
        Self {
            machine: Supervisor::new(settings(), policies::policies(10), start),
            start,
            now: start,
            lines: Vec::new(),
            answering: BTreeSet::new(),
            socket: Generation(0),
            pings: BTreeMap::new(),
            sessions: BTreeMap::new(),
            epoch: Epoch(0),
            described: None,
        }
    }

    /// Lets one line happen.
    pub(crate) fn line(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["after", time] => self.pass(self.now + read::duration(time)?),
            ["timeout"] => {
                let (at, _) = self.machine.next_timeout().ok_or("no deadline is set")?;
                self.pass(at);
            }
            ["given", ..] => {
                let given = GIVEN.iter().find(|(given, _)| *given == line);
                for line in given.ok_or_else(|| format!("nobody knows {line}"))?.1.lines() {
                    self.line(line.trim())?;
                }
                self.lines.clear();
            }
            ["hedged", first] => {
                let first = if first == "wait" { First::Wait } else { First::RestartIce };
                let recovery = Hedged {
                    first,
                    head_start: read::duration("500ms")?,
                    round_trips: 0,
                    ..Hedged::default()
                };
                let policies = Policies { recovery: Arc::new(recovery), ..policies::policies(10) };
                self.happen(Input::Command(Command::SetPolicies(policies)));
                self.lines.clear();
            }
            ["sparing"] => {
                let settings = Settings { spares: Spares::OtherUplink, ..settings() };
                self.machine = Supervisor::new(settings, policies::policies(10), self.now);
                self.line("hedged restart")?;
            }
            ["answering", who] => {
                self.answering.insert(read::generation(who, self)?);
            }
            ["silent", who] => {
                self.answering.remove(&read::generation(who, self)?);
            }
            ["attempts", number] => {
                let attempts = number.parse().map_err(|error| format!("{number}: {error}"))?;
                self.machine = Supervisor::new(settings(), policies::policies(attempts), self.now);
            }
            ["another", "process"] => {
                let settings = Settings { viewers: self.machine.record().viewers, ..settings() };
                self.machine = Supervisor::new(settings, policies::policies(10), self.now);
                self.answering.clear();
            }
            ["announced", "attempts", number] => {
                let attempts = number.parse().map_err(|error| format!("{number}: {error}"))?;
                let settings = Settings { membership: Membership::SelfAnnounced, ..settings() };
                self.machine = Supervisor::new(settings, policies::policies(attempts), self.now);
            }
            _ => {
                for input in read::inputs(&words, self)? {
                    self.happen(input);
                }
            }
        }
        Ok(())
    }

    /// Returns what the machine did since the last line.
    pub(crate) fn outputs(&mut self) -> String {
        let mut text = String::new();
        for (at, line, times) in std::mem::take(&mut self.lines) {
            let at = at.duration_since(self.start).as_secs_f64();
            text += &match times {
                1 => format!("{at:10.3}  {line}\n"),
                times => format!("{at:10.3}  {line} ({times} times)\n"),
            };
        }
        text
    }

    fn pass(&mut self, until: Instant) {
        while let Some((at, _)) = self.machine.next_timeout().filter(|(at, _)| *at <= until) {
            self.now = self.now.max(at);
            self.happen(Input::Timeout);
        }
        self.now = until;
    }

    fn happen(&mut self, input: Input) {
        if let Input::Peer(generation, PeerEvent::LocalDescription(_)) = &input {
            self.described = Some(*generation);
        }
        self.machine.handle_input(input, self.now);
        let mut answers = Vec::new();
        while let Some(output) = self.machine.poll_output() {
            if let Some(answer) = self.watch(&output) {
                answers.push(answer);
            } else {
                self.append(tell::output(&output));
            }
        }
        answers.into_iter().for_each(|answer| self.happen(answer));
    }

    /// Notes a line; a repetition within a line's time is counted, not repeated.
    fn append(&mut self, line: String) {
        let recent = self.lines.iter_mut().rev().take(2).find(|(_, old, _)| *old == line);
        match recent {
            Some((_, _, times)) => *times += 1,
            None => self.lines.push((self.now, line, 1)),
        }
    }

    /// Remembers what answers need, and answers a ping if nobody has to see it.
    fn watch(&mut self, output: &Output) -> Option<Input> {
        match output {
            Output::Signaling(generation, SignalingAction::Open { .. }) => self.socket = *generation,
            Output::Signaling(generation, SignalingAction::Ping) if self.answering.contains(generation) => {
                return Some(Input::Signaling(*generation, SignalingEvent::Pong));
            }
            Output::Signaling(_, SignalingAction::Send(message)) => self.remember(message),
            Output::Peer(generation, PeerAction::Send { message, .. }) => match message {
                ChannelMessage::Ping(token) => {
                    self.pings.insert(*generation, token.clone());
                    let pong = PeerEvent::Received(ChannelMessage::Pong(token.clone()));
                    return self.answering.contains(generation).then_some(Input::Peer(*generation, pong));
                }
                ChannelMessage::Hello(Hello { rejoin: Some(rejoin), .. }) => {
                    self.epoch = rejoin.delivery.map_or(self.epoch, |delivery| delivery.epoch);
                }
                ChannelMessage::Signaling(message) => self.remember(message),
                _ => {}
            },
            _ => {}
        }
        None
    }

    /// The session of a description that leaves is that of the connection that made it.
    fn remember(&mut self, message: &SignalingMessage) {
        if let SignalingMessage::Description { session: Some(session), .. } = message
            && let Some(connection) = self.described.take()
        {
            self.sessions.insert(connection, session.clone());
        }
    }
}

/// What scripts begin with and do not tell again.
const GIVEN: [(&str, &str); 5] = [
    (
        "given signaling",
        "server opens
        answering server
        server pongs
        after 20s",
    ),
    (
        "given a viewer of b",
        "view cam
        given signaling
        server offer address=u1 session=s1 stream=cam
        #2 describes answer
        #2 connects
        #2 hello identity=b label=cam
        #2 pongs
        answering #2
        after 20s",
    ),
    (
        "given a viewer of a foreign peer",
        "view cam
        given signaling
        server offer address=u1 session=s1 stream=cam
        #2 describes answer
        #2 connects
        #2 hello label=cam
        #2 pongs
        answering #2
        after 20s",
    ),
    (
        "given a publisher to a foreign peer",
        "publish cam
        given signaling
        server offer-requested address=u1 stream=cam
        #2 describes offer
        server answer address=u1 session=#2
        #2 connects
        #2 hello label=dock
        #2 pongs
        answering #2
        after 20s",
    ),
    (
        "given a publisher to b",
        "publish cam
        given signaling
        server offer-requested address=u1 stream=cam
        #2 describes offer
        server answer address=u1 session=#2
        #2 connects
        #2 hello identity=b label=dock
        #2 pongs
        answering #2
        after 20s",
    ),
];

fn settings() -> Settings {
    Settings {
        label: Some("me".to_owned()),
        platform: Platform::Linux,
        held_messages: 3,
        ..Settings::new(Identity(0xa), "wss://one.test")
    }
}
