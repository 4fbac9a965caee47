//! Runs scripts of named clients against the hosted dialect.
//!
//! ```text
//! bob arrives                      opens a connection of a client that supports resuming
//! alice > {"request":"ping"}       alice sends a frame (an unknown name opens a connection without resuming)
//! bob < {"request":"..."}          the next effect must be this frame to bob
//! bob < closed 4000 the reason     ... or this close of bob's connection
//! bob leaves                       bob's connection ends
//! bob resumes                      opens a connection with bob's token; the old one is called bob-before
//! eve forges bob                   opens a connection with bob's route and a wrong secret
//! 30 s pass
//! ```
//! `@bob` stands for bob's UUID.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use rejoin_signaling_server::{
    AdmissionError, ConnectionId, CountedEvent, Effect, HostedDialect, Limits, NewConnection, ResumeRequest,
    ResumeToken, Route, Secret, ServerDialect,
};

pub(crate) struct Script {
    pub(crate) dialect: HostedDialect,
    now: Instant,
    clients: BTreeMap<String, TestClient>,
    labels: BTreeMap<ConnectionId, String>,
    observed: VecDeque<String>,
    pub(crate) counted: Vec<CountedEvent>,
}

#[derive(Clone, Copy)]
struct TestClient {
    connection: ConnectionId,
    route: Route,
    token: Option<ResumeToken>,
}

/// Runs a script with the default limits.
pub(crate) fn run(script: &str) -> Script {
    run_with(Limits::default(), script)
}

pub(crate) fn run_with(limits: Limits, script: &str) -> Script {
    let mut state = Script::new(limits);
    state.run(script);
    state
}

impl Script {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            dialect: HostedDialect::new(limits),
            now: Instant::now(),
            clients: BTreeMap::new(),
            labels: BTreeMap::new(),
            observed: VecDeque::new(),
            counted: Vec::new(),
        }
    }

    pub(crate) fn run(&mut self, script: &str) {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if line.contains(" < ") && !line.contains(" > ") {
                assert_eq!(self.observed.pop_front().as_deref(), Some(line), "in {script}");
            } else {
                self.expect_no_more(script);
                self.step(line);
            }
        }
        self.expect_no_more(script);
    }

    /// Sends a frame and returns the effects as lines of a script.
    pub(crate) fn send(&mut self, name: &str, text: &str) -> Vec<String> {
        if !self.clients.contains_key(name) {
            self.open(name, None).unwrap();
        }
        let text = self.clients.iter().fold(text.to_owned(), |text, (name, client)| {
            text.replace(&format!("@{name}\""), &format!("{}\"", client.route))
        });
        let effects = self.dialect.receive(self.clients[name].connection, Ok(&text), self.now);
        self.record(effects);
        self.observed.drain(..).collect()
    }

    pub(crate) fn close(&mut self, name: &str) {
        self.dialect.close(self.clients[name].connection, self.now);
    }

    pub(crate) fn open(&mut self, name: &str, resume: Option<ResumeRequest>) -> Result<bool, AdmissionError> {
        let number = self.labels.len() as u64;
        let connection = ConnectionId(number);
        let route = Route::from_random([number as u8; 16]);
        let new = NewConnection { connection, route, secret: Secret::from_random([7; 16]), resume };
        let (admission, effects) = self.dialect.open(new, self.now)?;
        if let Some(before) = self.clients.get(name) {
            self.labels.insert(before.connection, format!("{name}-before"));
        }
        self.labels.insert(connection, name.to_owned());
        let client = TestClient { connection, route: admission.route, token: admission.token };
        self.clients.insert(name.to_owned(), client);
        self.record(effects);
        Ok(admission.resumed)
    }

    fn step(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            [name, ">", ..] => {
                let text = line.split_once(" > ").unwrap().1;
                let observed = self.send(name, text);
                self.observed.extend(observed);
            }
            [name, "leaves"] => self.close(name),
            [name, "arrives"] => assert!(!self.open(name, resume(None)).unwrap()),
            [name, "resumes"] => {
                let token = self.clients[name].token;
                assert!(self.open(name, resume(token)).unwrap(), "{name} was not resumed");
            }
            [name, "fails", "to", "resume"] => {
                let token = self.clients[name].token;
                assert!(!self.open(name, resume(token)).unwrap(), "{name} was resumed");
            }
            [name, "forges", victim] => {
                let token =
                    ResumeToken { route: self.clients[victim].route, secret: Secret::from_random([99; 16]) };
                assert!(!self.open(name, resume(Some(token))).unwrap(), "{name} was admitted as {victim}");
            }
            [seconds, "s", "pass"] => self.now += Duration::from_secs(seconds.parse().unwrap()),
            _ => panic!("unknown step `{line}`"),
        }
    }

    fn record(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send { to, text } => {
                    let line = format!("{} < {}", self.labels[&to], self.with_names(&text));
                    self.observed.push_back(line);
                }
                Effect::Close { connection, reason } => {
                    let (code, text) = (reason.code(), reason.text());
                    self.observed.push_back(format!("{} < closed {code} {text}", self.labels[&connection]));
                }
                Effect::Count(event) => self.counted.push(event),
                other => panic!("unknown effect {other:?}"),
            }
        }
    }

    /// Replaces UUIDs by names.
    fn with_names(&self, text: &str) -> String {
        self.clients.iter().fold(text.to_owned(), |text, (name, client)| {
            text.replace(&client.route.to_string(), &format!("@{name}"))
        })
    }

    fn expect_no_more(&self, script: &str) {
        assert!(self.observed.is_empty(), "unexpected {:#?} in {script}", self.observed);
    }
}

fn resume(token: Option<ResumeToken>) -> Option<ResumeRequest> {
    Some(token.map_or(ResumeRequest::NewRoute, ResumeRequest::Resume))
}
