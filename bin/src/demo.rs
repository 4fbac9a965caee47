//! `rejoin demo`, and the hidden `rejoin demo-peer` that its processes run.

pub(crate) mod peer;

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use rejoin::profile;
use rejoin_demo::Options;

use crate::failure::Failure;
use crate::interrupts::Interrupts;
use crate::log;

/// Runs the demonstration to its end or until Ctrl-C.
pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    if profile(&options.profile).is_none() {
        let problem = format!("no profile is called \"{}\"; `rejoin profiles` lists them", options.profile);
        return Err(Failure::Usage(anyhow::anyhow!(problem)));
    }
    let mut interrupts = Interrupts::listen().context("signals cannot be listened to")?;
    let stop = Arc::new(AtomicBool::new(false));
    let stopping = Arc::clone(&stop);
    let run = tokio::task::spawn_blocking(move || rejoin_demo::run(&options, program, &stopping));
    let summary = tokio::select! {
        summary = run => summary.context("the demonstration panicked")??,
        () = interrupts.next() => {
            // Its processes are killed while the runtime shuts down.
            stop.store(true, Ordering::Relaxed);
            return Err(Failure::Interrupted);
        }
    };
    if summary.is_good() { Ok(()) } else { Err(Failure::Unsatisfied) }
}

fn program() -> Command {
    // Linux has this path as long as the process runs, and elsewhere an error shows up when the command is spawned.
    let path = std::env::current_exe().unwrap_or_else(|_| "rejoin".into());
    let mut command = Command::new(path);
    // Only errors may come between the lines of the timeline, which has everything else.
    log::hand_down(&mut command, "error");
    command
}
