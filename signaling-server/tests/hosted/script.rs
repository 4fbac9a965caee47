//! A stage on which named actors talk through a switchboard, as a script says.
//!
//! ```text
//! bob arrives                      a socket of a client that knows how to resume
//! alice > {"request":"ping"}       alice sends a frame (an unknown actor comes in as an ordinary client)
//! bob < {"request":"..."}          the next thing that the server does is to send bob this
//! bob < closed 4000 the reason     ... or to close bob's socket
//! bob leaves                       bob's socket is gone
//! bob resumes                      a new socket with bob's pass; the old one is called bob-before
//! eve forges bob                   a new socket with bob's route and a wrong secret
//! 30 s pass
//! ```
//! `@bob` stands for bob's UUID.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use rejoin_signaling_server::{
    AdmissionError, Arrival, ConnectionId, CountedEvent, Effect, Extension, HostedDialect, Limits,
    ResumeToken, Route, Secret,
};

pub(crate) struct Stage {
    pub(crate) board: HostedDialect,
    now: Instant,
    actors: BTreeMap<String, Actor>,
    labels: BTreeMap<ConnectionId, String>,
    happened: VecDeque<String>,
    pub(crate) counted: Vec<CountedEvent>,
}

#[derive(Clone, Copy)]
struct Actor {
    connection: ConnectionId,
    route: Route,
    pass: Option<ResumeToken>,
}

/// Plays a script with the usual limits.
pub(crate) fn perform(script: &str) -> Stage {
    perform_with(Limits::default(), script)
}

pub(crate) fn perform_with(limits: Limits, script: &str) -> Stage {
    let mut stage = Stage::new(limits);
    stage.play(script);
    stage
}

impl Stage {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            board: HostedDialect::new(limits),
            now: Instant::now(),
            actors: BTreeMap::new(),
            labels: BTreeMap::new(),
            happened: VecDeque::new(),
            counted: Vec::new(),
        }
    }

    pub(crate) fn play(&mut self, script: &str) {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if line.contains(" < ") && !line.contains(" > ") {
                assert_eq!(self.happened.pop_front().as_deref(), Some(line), "in {script}");
            } else {
                self.expect_silence(script);
                self.act(line);
            }
        }
        self.expect_silence(script);
    }

    /// Lets a frame in and returns what happened as lines of a script.
    pub(crate) fn hear(&mut self, name: &str, text: &str) -> Vec<String> {
        if !self.actors.contains_key(name) {
            self.enter(name, None).unwrap();
        }
        let text = self.actors.iter().fold(text.to_owned(), |text, (name, actor)| {
            text.replace(&format!("@{name}\""), &format!("{}\"", actor.route))
        });
        let effects = self.board.receive(self.actors[name].connection, &text, self.now);
        self.note(effects);
        self.happened.drain(..).collect()
    }

    pub(crate) fn leave(&mut self, name: &str) {
        self.board.close(self.actors[name].connection, self.now);
    }

    pub(crate) fn enter(&mut self, name: &str, extension: Option<Extension>) -> Result<bool, AdmissionError> {
        let number = self.labels.len() as u64;
        let connection = ConnectionId(number);
        let route = Route::from_random([number as u8; 16]);
        let (admission, effects) = self.board.open(Arrival { connection, route, extension }, self.now)?;
        if let Some(before) = self.actors.get(name) {
            self.labels.insert(before.connection, format!("{name}-before"));
        }
        self.labels.insert(connection, name.to_owned());
        let actor = Actor { connection, route: admission.route, pass: admission.pass };
        self.actors.insert(name.to_owned(), actor);
        self.note(effects);
        Ok(admission.resumed)
    }

    fn act(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            [name, ">", ..] => {
                let text = line.split_once(" > ").unwrap().1;
                let happened = self.hear(name, text);
                self.happened.extend(happened);
            }
            [name, "leaves"] => self.leave(name),
            [name, "arrives"] => assert!(!self.enter(name, extension(None)).unwrap()),
            [name, "resumes"] => {
                let pass = self.actors[name].pass;
                assert!(self.enter(name, extension(pass)).unwrap(), "{name} was not resumed");
            }
            [name, "fails", "to", "resume"] => {
                let pass = self.actors[name].pass;
                assert!(!self.enter(name, extension(pass)).unwrap(), "{name} was resumed");
            }
            [name, "forges", victim] => {
                let pass =
                    ResumeToken { route: self.actors[victim].route, secret: Secret::from_random([99; 16]) };
                assert!(!self.enter(name, extension(Some(pass))).unwrap(), "{name} was let in as {victim}");
            }
            [seconds, "s", "pass"] => self.now += Duration::from_secs(seconds.parse().unwrap()),
            _ => panic!("the script says `{line}`, which nobody can play"),
        }
    }

    fn note(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send { to, text } => {
                    let line = format!("{} < {}", self.labels[&to], self.anonymous(&text));
                    self.happened.push_back(line);
                }
                Effect::Close { connection, close_reason } => {
                    let (code, reason) = (close_reason.code(), close_reason.reason());
                    self.happened.push_back(format!("{} < closed {code} {reason}", self.labels[&connection]));
                }
                Effect::Count(event) => self.counted.push(event),
                other => panic!("unknown effect {other:?}"),
            }
        }
    }

    /// Writes names for UUIDs.
    fn anonymous(&self, text: &str) -> String {
        self.actors.iter().fold(text.to_owned(), |text, (name, actor)| {
            text.replace(&actor.route.to_string(), &format!("@{name}"))
        })
    }

    fn expect_silence(&self, script: &str) {
        assert!(self.happened.is_empty(), "unexpected {:#?} in {script}", self.happened);
    }
}

fn extension(resume: Option<ResumeToken>) -> Option<Extension> {
    Some(Extension { secret: Secret::from_random([7; 16]), resume })
}
