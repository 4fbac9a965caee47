//! The live timeline on stderr: a line per event, and a spinner on a terminal.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use crate::harness::{Link, LinkEvent};
use crate::observer::LinkChange;

/// How often the spinner turns.
const SPINNER_INTERVAL: Duration = Duration::from_millis(120);

/// Prints the live timeline.
#[derive(Debug)]
pub(crate) struct Progress {
    started: Instant,
    spinner: Option<ProgressBar>,
}

impl Progress {
    /// Starts the clock of the timeline.
    pub(crate) fn start() -> Self {
        let spinner = io::stderr().is_terminal().then(|| {
            let spinner = ProgressBar::new_spinner();
            spinner.enable_steady_tick(SPINNER_INTERVAL);
            spinner
        });
        Self { started: Instant::now(), spinner }
    }

    /// Shows beside the spinner what the demonstration waits for.
    pub(crate) fn wait_for(&self, what: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message(what.to_owned());
        }
    }

    /// Prints a line of the demonstration itself.
    pub(crate) fn print(&self, text: &str) {
        self.print_line(self.started.elapsed(), "demo", text);
    }

    /// Prints what happened to a link.
    pub(crate) fn print_change(&self, change: &LinkChange) {
        let LinkChange { role, at, link, event } = change;
        let link = match link {
            Link::Signaling => "signaling",
            Link::Peer => "peer link",
        };
        let text = match event {
            LinkEvent::Connected { .. } => format!("{link} is up"),
            LinkEvent::Interrupted { reason, .. } => format!("{link} is down: {reason}"),
            LinkEvent::Repairing { step, after_ms } => {
                let delay =
                    if *after_ms < 1.0 { "at once".to_owned() } else { format!("in {after_ms:.0} ms") };
                format!("{link}: {step} {delay}")
            }
            LinkEvent::Recovered(recovery) => {
                format!("{link} is back after {:.0} ms, verified", recovery.outage_ms)
            }
            LinkEvent::Dormant => format!("{link} waits for a change before the next attempt"),
            LinkEvent::PeerLeft => format!("{link} is closed, the peer left"),
        };
        self.print_line(at.saturating_duration_since(self.started), role.name(), &text);
    }

    fn print_line(&self, at: Duration, origin: &str, text: &str) {
        let line = format!("{:>8.3} s  {origin:<9}  {text}", at.as_secs_f64());
        match &self.spinner {
            Some(spinner) => spinner.println(line),
            // Without stderr the results on stdout still count.
            None => drop(writeln!(io::stderr(), "{line}")),
        }
    }
}

/// Clears the spinner, so that the table starts on a clean line.
impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}
