//! The processes of a run, a signaling server and two peers, with one queue for the events of the peers.

use std::collections::BTreeMap;
use std::io;
use std::process::Command;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use super::process::{NumberedMessages, Process, ProcessEvent};
use super::role::{ProcessId, Role};
use super::server::ServerProcess;

/// The processes of a run; dropping it kills all of them.
#[derive(Debug)]
pub struct ProcessSet {
    events: Sender<ProcessEvent>,
    queue: Receiver<ProcessEvent>,
    server: Option<ServerProcess>,
    peers: BTreeMap<Role, Process>,
    /// How often each role was started.
    starts: BTreeMap<Role, u32>,
}

impl ProcessSet {
    /// Creates a set without processes.
    pub fn new() -> Self {
        let (events, queue) = mpsc::channel();
        Self { events, queue, server: None, peers: BTreeMap::new(), starts: BTreeMap::new() }
    }

    /// Starts the server, waits until it listens and returns the line that it printed.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start_server(&mut self, command: Command) -> io::Result<String> {
        let (server, line) = ServerProcess::start(command)?;
        self.server = Some(server);
        Ok(line)
    }

    /// Kills the server and waits for its end; returns whether there was one.
    pub fn kill_server(&mut self) -> bool {
        self.server.take().is_some()
    }

    /// Returns the server if it was started and not killed.
    pub fn server(&mut self) -> Option<&mut ServerProcess> {
        self.server.as_mut()
    }

    /// Starts a peer, which sends numbered messages at once; a peer of the same role is killed.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start_peer(
        &mut self,
        role: Role,
        command: Command,
        messages: NumberedMessages,
    ) -> io::Result<ProcessId> {
        let number = self.starts.entry(role).and_modify(|starts| *starts += 1).or_insert(1);
        let id = ProcessId { role, number: *number };
        self.peers.insert(role, Process::start(command, id, messages, &self.events)?);
        Ok(id)
    }

    /// Kills a peer and waits for its end; `None` if it was not started or is killed already.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn kill_peer(&mut self, role: Role) -> io::Result<Option<ProcessId>> {
        let Some(mut peer) = self.peers.remove(&role) else { return Ok(None) };
        peer.kill()?;
        Ok(Some(peer.id()))
    }

    /// Returns a peer that was started and not killed.
    pub fn peer(&self, role: Role) -> Option<&Process> {
        self.peers.get(&role)
    }

    /// Returns the peers that were started and not killed.
    pub fn peers(&self) -> impl Iterator<Item = &Process> {
        self.peers.values()
    }

    /// Gives the peers away, so that their owner ends them.
    pub fn take_peers(&mut self) -> impl Iterator<Item = Process> + use<> {
        std::mem::take(&mut self.peers).into_values()
    }

    /// Stops the numbered messages of both peers.
    pub fn stop_sending(&self) {
        self.peers().for_each(Process::stop_sending);
    }

    /// Returns the next event of a peer, or `None` if there is none within `timeout`.
    pub fn next_event(&self, timeout: Duration) -> Option<ProcessEvent> {
        self.queue.recv_timeout(timeout).ok()
    }
}

impl Default for ProcessSet {
    fn default() -> Self {
        Self::new()
    }
}
