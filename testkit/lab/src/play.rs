//! Plays a scenario in a world and tells how it went.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::Signal;

use crate::cast::{Cast, Place, Script, Venue};
use crate::certificate::Certificate;
use crate::fault::Side;
use crate::foreign::{self, Foreign, Stack};
use crate::incident::Link;
use crate::ledger::{Promise, Role, Tally};
use crate::plan::{Family, Nat, Plan};
use crate::program::resources::Resources;
use crate::row::{Measure, Row};
use crate::scenario::act::{Act, Stage};
use crate::scenario::{Called, Noticed, Relay, Scenario, patience};
use crate::stopwatch::Stopwatch;
use crate::world::World;

/// One scenario, with everything that varies.
#[derive(Clone, Debug)]
pub struct Run {
    /// The scenario.
    pub scenario: Scenario,
    /// The profile of both peers.
    pub profile: String,
    /// The role on the host that is hit.
    pub role: Role,
    /// What plays the other role, if it is not rejoin.
    pub other: Option<Stack>,
    /// The addresses.
    pub family: Family,
    /// The round-trip time to everywhere.
    pub rtt: Duration,
    /// Seeds the world.
    pub seed: u64,
    /// The binary.
    pub rejoin: PathBuf,
    /// Where everything is kept that may be wanted after a failure.
    pub scratch: PathBuf,
}

/// How a run ended.
#[derive(Clone, Debug)]
pub(crate) struct Closing {
    /// What the peers held at the end.
    pub(crate) held: BTreeMap<Role, Resources>,
    /// What became of the messages.
    pub(crate) tally: Tally,
    /// What went wrong.
    pub(crate) failures: Vec<String>,
}

/// How often both peers send something: often enough to see an outage of a tenth of a second.
///
/// `conservative` keeps 1,024 messages for a peer that is away, which at this pace are those of three minutes.
fn pace(profile: &str) -> Duration {
    Duration::from_millis(if profile == "conservative" { 200 } else { 50 })
}

/// How long the first connection may take; even `conservative` has no reason to wait then.
const FIRST_CONNECTION: Duration = Duration::from_secs(60);

/// How long both talk before anything is broken, so that allocators and pools have what they keep.
const WARM_UP: Duration = Duration::from_secs(4);

/// How long everything must stay whole to count: longer than a ping of `aggressive` and the second half of a flap.
const CALM: Duration = Duration::from_secs(2);

/// How long messages may be on their way after everything is whole.
const LAST_MESSAGES: Duration = Duration::from_secs(20);

/// How long what was replaced may take to be gone: the old end of a rebuilt connection is closed within 30 s.
const TIDYING: Duration = Duration::from_secs(40);

/// What the lab's name server calls the signaling server.
const SERVER_NAME: &str = "signaling.lab";

/// How long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(10);

impl Run {
    /// Plays the scenario; what went wrong in rejoin is in the row, and an error is the lab's.
    ///
    /// # Errors
    /// If the world cannot be built, or a fault not be injected.
    pub fn play(&self) -> Result<Row> {
        let began = Instant::now();
        let mut world = World::build(&self.plan())?;
        let mut cast = Cast::new(self.script(&world)?, self.venue(&world));
        let mut row = Row::new(self);
        if let Err(trouble) = self.perform(&mut world, &mut cast, &mut row) {
            row.failures.push(format!("{trouble:#}"));
            row.failures.extend(cast.chronicle.troubles.iter().cloned());
            row.tally = cast.chronicle.ledger.close();
        }
        row.seconds = began.elapsed().as_secs_f64();
        Ok(row)
    }

    fn perform(&self, world: &mut World, cast: &mut Cast, row: &mut Row) -> Result<()> {
        self.open(cast)?;
        row.before = cast.resources();
        let mut watch = Stopwatch::new(Instant::now());
        for act in &self.scenario.acts {
            if let Act::Whole(stage) = act {
                row.stages.push(self.whole(*stage, cast, &watch)?);
                watch.is_whole();
            } else {
                self.change(act, world, cast, &mut watch)?;
            }
        }
        let closing = self.close(cast, &row.before)?;
        (row.after, row.tally) = (closing.held, closing.tally);
        row.failures.extend(closing.failures);
        Ok(())
    }

    /// Starts everybody and waits until they talk and are warm.
    pub(crate) fn open(&self, cast: &mut Cast) -> Result<()> {
        cast.start_server()?;
        for role in [Role::Publisher, Role::Viewer] {
            cast.start_peer(role)?;
        }
        let begun = Instant::now();
        cast.wait(FIRST_CONNECTION, |chronicle| {
            !chronicle.troubles.is_empty() || chronicle.is_whole() && chronicle.flowed_since(begun).is_some()
        });
        if !cast.chronicle.is_whole() {
            bail!("the peers never connected: {}", cast.chronicle.what_is_missing());
        }
        let told = cast.chronicle.ledger.told_so_far();
        cast.pass(WARM_UP);
        cast.chronicle.ledger.is_whole(&told);
        Ok(())
    }

    /// Does what changes the world; that everything is whole is waited for elsewhere.
    pub(crate) fn change(
        &self,
        act: &Act,
        world: &mut World,
        cast: &mut Cast,
        watch: &mut Stopwatch,
    ) -> Result<()> {
        let began = Instant::now();
        // Without its server a living connection loses nothing, whoever is on the other side.
        if self.scenario.measured == Link::Peer && !matches!(act, Act::Pass(_)) {
            cast.chronicle.ledger.breaks();
        }
        match act {
            Act::Break(fault) => {
                world.inject(fault)?;
                watch.breaks(began, Instant::now());
            }
            Act::Mend(fault) => {
                world.heal(fault)?;
                watch.mends(began, Instant::now());
            }
            Act::KillServer => {
                cast.kill_server()?;
                watch.breaks(began, Instant::now());
            }
            Act::StartServer => watch.mends(began, cast.start_server()?),
            Act::AcceptAndDrop => cast.start_impostor()?,
            Act::FreezeServer => {
                cast.signal_server(Signal::SIGSTOP)?;
                watch.breaks(began, Instant::now());
            }
            Act::ThawServer => {
                cast.signal_server(Signal::SIGCONT)?;
                watch.mends(began, Instant::now());
            }
            Act::KillPeer => {
                cast.kill_peer(self.role)?;
                watch.breaks(began, Instant::now());
            }
            Act::StartPeer => watch.mends(began, cast.start_peer(self.role)?),
            Act::FreezePeer => {
                cast.signal_peer(self.role, Signal::SIGSTOP)?;
                watch.breaks(began, Instant::now());
            }
            Act::ThawPeer => {
                cast.signal_peer(self.role, Signal::SIGCONT)?;
                watch.mends(began, Instant::now());
            }
            Act::Pass(time) => cast.pass(*time),
            Act::Whole(_) => {}
        }
        Ok(())
    }

    /// Waits until everything is whole and stays so, and measures how long it took.
    fn whole(&self, stage: Stage, cast: &mut Cast, watch: &Stopwatch) -> Result<Measure> {
        let limit = patience(&self.profile);
        let (link, noticed) = (self.scenario.measured, self.noticed());
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let whole = cast.wait(left, |chronicle| {
                let witnesses = self.witnesses().into_iter();
                let mut seen = witnesses.map(|role| watch.was_noticed(chronicle, role, link));
                let seen = match noticed {
                    Noticed::ByBoth => seen.all(|seen| seen),
                    Noticed::BySomebody => seen.any(|seen| seen),
                    Noticed::Perhaps => true,
                };
                seen && chronicle.is_whole() && chronicle.flowed_since(watch.settled()).is_some()
            });
            if !whole {
                let missing = cast.chronicle.what_is_missing();
                bail!("{}: not whole {limit:?} after it was mended: {missing}", stage.name);
            }
            let (since, told) = (cast.chronicle.interruptions.len(), cast.chronicle.ledger.told_so_far());
            cast.pass(CALM);
            if cast.chronicle.is_whole() && cast.chronicle.interruptions.len() == since {
                cast.chronicle.ledger.is_whole(&told);
                return watch.measure(&cast.chronicle, stage, self);
            }
        }
    }

    /// Returns what must be noticed: with a foreign peer nobody else has noticed and repaired it before rejoin.
    fn noticed(&self) -> Noticed {
        match (self.other, self.scenario.noticed) {
            (Some(_), Noticed::Perhaps) => Noticed::BySomebody,
            (Some(_) | None, noticed) => noticed,
        }
    }

    /// Returns who can tell of a fault: rejoin.
    fn witnesses(&self) -> Vec<Role> {
        let ours = |role: &Role| self.other.is_none() || *role == self.role;
        Role::BOTH.into_iter().filter(ours).collect()
    }

    /// Waits for the last messages, and for everything that was replaced to be gone, and lets the peers end.
    pub(crate) fn close(&self, cast: &mut Cast, before: &BTreeMap<Role, Resources>) -> Result<Closing> {
        let flat = |now: &BTreeMap<Role, Resources>| {
            before.iter().all(|(role, before)| now.get(role).is_some_and(|now| now.is_flat_since(before)))
        };
        let mut failures = Vec::new();
        let deadline = Instant::now() + TIDYING;
        while !flat(&cast.resources()) && Instant::now() < deadline {
            cast.pass(Duration::from_secs(1));
        }
        let held = cast.resources();
        if !flat(&held) {
            failures.push(format!("something is kept: {before:?} became {held:?}"));
        }
        cast.hush();
        cast.wait(LAST_MESSAGES, |chronicle| chronicle.ledger.under_way() == 0);
        // What comes twice comes now.
        cast.pass(Duration::from_secs(1));
        if self.other.is_some() && !cast.chronicle.best_effort() {
            failures.push("nobody was told that nothing is acknowledged".to_owned());
        }
        if let Some(connections) = cast.chronicle.foreign_connections().filter(|number| *number != 1) {
            failures.push(format!("the foreign peer ends with {connections} connections"));
        }
        let tally = cast.chronicle.ledger.close();
        if !tally.is_clean() {
            failures.push(format!("messages: {tally:?}"));
        }
        for role in cast.leave(GOODBYE)? {
            failures.push(format!("the {} did not end politely within {GOODBYE:?}", role.name()));
        }
        let left = cast.left_behind(GOODBYE)?;
        if left > 0 {
            failures.push(format!("{left} processes are left behind"));
        }
        failures.extend(cast.chronicle.troubles.iter().cloned());
        for (role, messages) in &cast.chronicle.given_up {
            failures.push(format!("the {} gave {messages} messages up", role.name()));
        }
        Ok(Closing { held, tally, failures })
    }

    /// What is killed must have its mail on disk; nobody else needs it.
    fn promise(&self) -> Promise {
        match self.other {
            Some(_) => Promise::BestEffort,
            None if self.scenario.acts.contains(&Act::KillPeer) => Promise::Durable,
            None => Promise::WhileAlive,
        }
    }

    pub(crate) fn plan(&self) -> Plan {
        let nat = match self.family {
            Family::V4 => self.scenario.setting.nat,
            Family::V6 => Nat::Routed,
        };
        let turn = self.scenario.setting.relay != Relay::None;
        Plan { seed: self.seed, rtt: self.rtt, nat, family: self.family, turn }
    }

    pub(crate) fn script(&self, world: &World) -> Result<Script> {
        let address = *world.signaling().addresses().first().context("a server without an address")?;
        let listen = match address {
            IpAddr::V4(address) => format!("{address}:8443"),
            IpAddr::V6(address) => format!("[{address}]:8443"),
        };
        let certificate = Certificate::write(&self.scratch, address, SERVER_NAME)?;
        let url = match self.scenario.setting.server {
            Called::ByAddress => format!("wss://{listen}"),
            Called::ByName => format!("wss://{SERVER_NAME}:8443"),
        };
        let ice_servers = self.ice_servers(world);
        let foreign = self.other.map(|stack| Foreign {
            stack,
            role: self.role.other(),
            url: url.clone(),
            ice_servers: ice_servers.iter().map(|server| foreign::ice_server(server)).collect(),
            authority: certificate.authority.clone(),
        });
        let mut peers = vec!["--server".to_owned(), url];
        peers.extend(["--ca-file".to_owned(), certificate.authority.display().to_string()]);
        for server in ice_servers {
            peers.extend(["--ice-server".to_owned(), server]);
        }
        peers.extend(self.scenario.setting.arguments.iter().map(|argument| (*argument).to_owned()));
        let server = ["--tls-cert".to_owned(), certificate.certificate.display().to_string()];
        let key = ["--tls-key".to_owned(), certificate.key.display().to_string()];
        Ok(Script {
            rejoin: self.rejoin.clone(),
            scratch: self.scratch.clone(),
            profile: self.profile.clone(),
            pace: pace(&self.profile),
            listen,
            server: server.into_iter().chain(key).collect(),
            peers,
            foreign,
            promise: self.promise(),
        })
    }

    /// The engine asks a TURN server for nothing but relaying, so it is told of the STUN server beside it.
    fn ice_servers(&self, world: &World) -> Vec<String> {
        let Some(turn) = world.ice_server() else { return Vec::new() };
        let stun = turn.rsplit_once('@').map(|(_, address)| format!("stun:{address}"));
        match self.scenario.setting.relay {
            Relay::None => Vec::new(),
            Relay::Stun => stun.into_iter().collect(),
            Relay::Turn => stun.into_iter().chain([turn]).collect(),
        }
    }

    pub(crate) fn venue(&self, world: &World) -> Venue {
        let (a, b, server) = (world.a().clone(), world.b().clone(), world.signaling().clone());
        let (hit, role) = (self.scenario.hit, self.role);
        Box::new(move |place, program| -> Command {
            let on_a = |peer: Role| (peer == role) == (hit == Side::A);
            match place {
                Place::Server => server.command(program),
                Place::Peer(peer) if on_a(peer) => a.command(program),
                Place::Peer(_) => b.command(program),
            }
        })
    }
}
