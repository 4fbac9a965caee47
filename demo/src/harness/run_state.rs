//! What is known of a run: which processes run, which links are up, and what became of the messages.

use std::collections::BTreeMap;
use std::time::Instant;

use super::delivery_guarantee::DeliveryGuarantee;
use super::link_event::Link;
use super::message_audit::MessageAudit;
use super::role::{NumberedMessage, ProcessId, Role};
use super::traffic::Traffic;

/// What is known of a run.
#[derive(Debug, Default)]
pub struct RunState {
    /// The audit of numbered messages.
    pub audit: MessageAudit,
    /// The number of the process of each role that should run.
    running: BTreeMap<Role, u32>,
    up: BTreeMap<(Role, Link), bool>,
    traffic: Traffic,
}

impl RunState {
    /// Creates the state of a run without processes.
    pub fn new(guarantee: DeliveryGuarantee) -> Self {
        Self { audit: MessageAudit::new(guarantee), ..Self::default() }
    }

    /// Records that a process started; its links are down.
    pub fn on_started(&mut self, process: ProcessId) {
        self.running.insert(process.role, process.number);
        self.all_links_down(process.role);
    }

    /// Records that a process was killed on purpose.
    pub fn on_killed(&mut self, process: ProcessId) {
        self.audit.on_killed(process);
        self.running.remove(&process.role);
        self.all_links_down(process.role);
    }

    /// Records that a process ended; returns whether it should still run.
    pub fn on_exited(&mut self, process: ProcessId) -> bool {
        let should_run = self.is_running(process);
        if should_run {
            self.running.remove(&process.role);
        }
        should_run
    }

    /// Records that a process was given a message.
    pub fn on_sent(&mut self, process: ProcessId, number: u64, at: Instant) {
        self.audit.on_sent(process, number);
        self.traffic.on_sent(process, at);
    }

    /// Records that a process printed a message.
    ///
    /// It counts although the process may have been killed: its output may be read late.
    pub fn on_received(&mut self, receiver: ProcessId, message: NumberedMessage, at: Instant) {
        self.audit.on_received(message, receiver);
        self.traffic.on_received(receiver.role, message, at);
    }

    /// Records whether a link is up.
    pub fn set_up(&mut self, role: Role, link: Link, is_up: bool) {
        self.up.insert((role, link), is_up);
    }

    /// Returns the process of a role that should run.
    pub fn running(&self, role: Role) -> Option<ProcessId> {
        self.running.get(&role).map(|number| ProcessId { role, number: *number })
    }

    /// Returns whether this process should run.
    pub fn is_running(&self, process: ProcessId) -> bool {
        self.running(process.role) == Some(process)
    }

    /// Returns whether both peers run and all of their links are up.
    pub fn is_connected(&self) -> bool {
        self.running.len() == Role::BOTH.len() && self.up.values().all(|up| *up)
    }

    /// Returns the links that are down.
    pub fn links_down(&self) -> impl Iterator<Item = (Role, Link)> {
        self.up.iter().filter(|(_, up)| !**up).map(|(link, _)| *link)
    }

    /// Returns when both peers had received a message that was sent at `since` or later.
    pub fn flowed_since(&self, since: Instant) -> Option<Instant> {
        self.traffic.flowed_since(since)
    }

    fn all_links_down(&mut self, role: Role) {
        for link in Link::BOTH {
            self.set_up(role, link, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_run_is_connected_when_both_peers_have_both_links() {
        let mut state = two_peers();
        for role in Role::BOTH {
            for link in Link::BOTH {
                assert!(!state.is_connected());
                state.set_up(role, link, true);
            }
        }
        assert!(state.is_connected());
        state.set_up(Role::Viewer, Link::Signaling, false);
        assert!(!state.is_connected());
        assert_eq!(state.links_down().collect::<Vec<_>>(), [(Role::Viewer, Link::Signaling)]);
    }

    #[test]
    fn only_messages_sent_afterwards_prove_that_data_flows() {
        let (mut state, start) = (two_peers(), Instant::now());
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        send(&mut state, 1, at(10));
        let since = at(20);
        receive(&mut state, Role::Publisher, 1, at(30));
        receive(&mut state, Role::Viewer, 1, at(40));
        assert_eq!(state.flowed_since(since), None);
        send(&mut state, 2, at(50));
        receive(&mut state, Role::Publisher, 2, at(60));
        assert_eq!(state.flowed_since(since), None);
        receive(&mut state, Role::Viewer, 2, at(70));
        assert_eq!(state.flowed_since(since), Some(at(70)));
    }

    #[test]
    fn any_message_of_a_later_process_proves_that_data_flows() {
        let (mut state, start) = (two_peers(), Instant::now());
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let successor = ProcessId { role: Role::Publisher, number: 2 };
        state.on_started(successor);
        state.on_sent(successor, 1, at(10));
        send(&mut state, 1, at(10));
        receive(&mut state, Role::Publisher, 1, at(20));
        state.on_received(id(Role::Viewer), NumberedMessage { sender: successor, number: 1 }, at(30));
        assert_eq!(state.flowed_since(start), Some(at(30)));
    }

    #[test]
    fn only_the_end_of_a_process_that_was_not_killed_is_unexpected() {
        let mut state = two_peers();
        state.on_killed(id(Role::Viewer));
        assert!(!state.on_exited(id(Role::Viewer)));
        assert!(state.on_exited(id(Role::Publisher)));
    }

    fn two_peers() -> RunState {
        let mut state = RunState::default();
        Role::BOTH.map(id).into_iter().for_each(|process| state.on_started(process));
        state
    }

    fn id(role: Role) -> ProcessId {
        ProcessId { role, number: 1 }
    }

    /// Both peers are given the message with this number.
    fn send(state: &mut RunState, number: u64, at: Instant) {
        Role::BOTH.map(id).into_iter().for_each(|process| state.on_sent(process, number, at));
    }

    fn receive(state: &mut RunState, receiver: Role, number: u64, at: Instant) {
        let message = NumberedMessage { sender: id(receiver.other()), number };
        state.on_received(id(receiver), message, at);
    }
}
