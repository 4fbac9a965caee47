//! Runs the state machine without any IO: ten dials to a server that refuses, in virtual time.
//!
//! A runtime other than tokio would perform the outputs; this loop answers each dial with a refusal.

#![allow(clippy::print_stdout, reason = "the output of a command-line program")]

use std::time::Instant;

use rejoin::port::{SignalingAction, SignalingEvent};
use rejoin::{Command, Event, Identity, Input, Loader, Output, Registry, Settings, Supervisor};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let policies = Loader::new(Registry::builtin()).profile("aggressive").load()?.policies;
    let start = Instant::now();
    let (mut now, mut dials) = (start, 0);
    let mut machine = Supervisor::new(Settings::new(Identity(7), "ws://server.test"), policies, now);
    machine.handle_input(Input::Command(Command::View(rejoin::StreamId("studio".into()))), now);
    while dials < 10 {
        while let Some(output) = machine.poll_output() {
            match output {
                Output::Signaling(generation, SignalingAction::Open { server, .. }) => {
                    dials += 1;
                    println!("{:?}: dial {server}", now - start);
                    machine.handle_input(Input::Signaling(generation, refused()), now);
                }
                Output::Event(Event::Repairing { attempt, after, .. }) => {
                    println!("{:?}: attempt {attempt} in {after:?}", now - start);
                }
                _ => {}
            }
        }
        // Virtual time: the loop jumps to the next deadline.
        let Some((deadline, _)) = machine.next_timeout() else { break };
        now = now.max(deadline);
        machine.handle_input(Input::Timeout, now);
    }
    Ok(())
}

fn refused() -> SignalingEvent {
    let reason = "connection refused".to_owned();
    SignalingEvent::Closed { opened: false, code: None, status: None, retry_after: None, reason }
}
