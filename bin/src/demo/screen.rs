//! The live timeline on stderr: lines as things happen, and a spinner where somebody watches.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use super::stage::{Happening, Link, What};

/// How often the spinner turns.
const TURN: Duration = Duration::from_millis(120);

/// Shows what goes on.
#[derive(Debug)]
pub(crate) struct Screen {
    began: Instant,
    spinner: Option<ProgressBar>,
}

impl Screen {
    /// Opens the screen; its clock starts.
    pub(crate) fn open() -> Self {
        let spinner = io::stderr().is_terminal().then(|| {
            let spinner = ProgressBar::new_spinner();
            spinner.enable_steady_tick(TURN);
            spinner
        });
        Self { began: Instant::now(), spinner }
    }

    /// Says what is waited for; shown only where a spinner is.
    pub(crate) fn wait_for(&self, what: &str) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message(what.to_owned());
        }
    }

    /// Writes a line.
    pub(crate) fn say(&self, who: &str, what: &str) {
        self.write(self.began.elapsed(), who, what);
    }

    /// Writes what happened to a link, in words.
    pub(crate) fn tell(&self, happening: &Happening) {
        let Happening { role, at, link, what } = happening;
        let link = match link {
            Link::Signaling => "signaling",
            Link::Peer => "peer link",
        };
        let words = match what {
            What::Connected { .. } => format!("{link} is up"),
            What::Interrupted { reason } => format!("{link} is down: {reason}"),
            What::Repairing { step, after_ms } => {
                let pause =
                    if *after_ms < 1.0 { "at once".to_owned() } else { format!("in {after_ms:.0} ms") };
                format!("{link}: {step} {pause}")
            }
            What::Recovered(healing) => format!("{link} is back after {:.0} ms, verified", healing.outage_ms),
            What::Dormant => format!("{link} sleeps until something changes"),
            What::Left => format!("{link} is given up, the other side is gone"),
        };
        self.write(at.saturating_duration_since(self.began), role.name(), &words);
    }

    fn write(&self, at: Duration, who: &str, what: &str) {
        let line = format!("{:>8.3} s  {who:<9}  {what}", at.as_secs_f64());
        match &self.spinner {
            Some(spinner) => spinner.println(line),
            // Without stderr the results on stdout still count.
            None => drop(writeln!(io::stderr(), "{line}")),
        }
    }
}

/// Clears the spinner, so that what follows stands on a clean line.
impl Drop for Screen {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}
