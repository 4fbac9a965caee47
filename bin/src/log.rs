//! The log on stderr: who decides what is in it, and what is left out unless somebody asks for it.

use std::io::{self, IsTerminal as _};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Result, anyhow};
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Where a process finds the filter that nobody typed.
const VARIABLE: &str = "RUST_LOG";

/// The WebRTC engine: every target of its crates begins with one of these.
///
/// It warns of what is everyday life here (a cut path, a closed connection, an option that it has not got),
/// and whatever matters in it comes back as a fault.
const ENGINE: [&str; 2] = ["rtc", "webrtc"];

/// What the user chose, for the processes that we start.
static CHOSEN: OnceLock<String> = OnceLock::new();

/// Logs to stderr what `chosen` asks for, or else `RUST_LOG`, or else what our crates tell at `level`.
///
/// A thread of its own writes: a stderr that nobody reads must not stop a session, and one that is gone must not end it.
/// What it cannot take is dropped; the guard writes what is left when it is dropped.
pub(crate) fn to_stderr(chosen: Option<&str>, level: &str) -> Result<WorkerGuard> {
    let filter = match chosen {
        Some(chosen) => {
            let directives = directives(chosen);
            let filter = EnvFilter::try_new(&directives).map_err(|error| {
                anyhow!(
                    "--log \"{chosen}\" is no filter ({error}); \
                     give a level such as debug, or a filter such as rejoin_core=debug,info"
                )
            })?;
            let _ = CHOSEN.set(directives);
            filter
        }
        None => EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(ours(level))),
    };
    let colour = io::stderr().is_terminal();
    let (writer, guard) = NonBlockingBuilder::default().lossy(true).finish(io::stderr());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colour)
        .with_writer(writer)
        .log_internal_errors(false)
        .init();
    Ok(guard)
}

/// Lets a process that we start log what the user chose, or else what our crates tell at `level`.
pub(crate) fn hand_down(command: &mut Command, level: &str) {
    match CHOSEN.get() {
        Some(chosen) => {
            command.env(VARIABLE, chosen);
        }
        None if std::env::var_os(VARIABLE).is_none() => {
            command.env(VARIABLE, ours(level));
        }
        None => {}
    }
}

/// Returns the filter that `chosen` stands for: a level alone is about our own crates.
fn directives(chosen: &str) -> String {
    match chosen.parse::<LevelFilter>() {
        Ok(level) => ours(&level.to_string()),
        Err(_) => chosen.to_owned(),
    }
}

/// Returns the filter of what our crates tell at `level`, and others only if it is a warning.
fn ours(level: &str) -> String {
    let others = if matches!(level, "error" | "off") { level } else { "warn" };
    let engine: String = ENGINE.iter().map(|target| format!("{target}=off,")).collect();
    format!("{others},{engine}rejoin={level}")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn the_engine_is_silent_whatever_it_says() {
        let said = said("info", || {
            tracing::error!(target: "rtc_dtls::config", "engine");
            tracing::warn!(target: "rtc_ice::agent", "engine");
            tracing::warn!(target: "webrtc::peer_connection", "engine");
            tracing::warn!(target: "tungstenite::protocol", "others");
            tracing::info!(target: "rejoin_driver::telemetry", "ours");
        });
        assert!(!said.contains("engine"), "{said}");
        assert!(said.contains("others") && said.contains("ours"), "{said}");
    }

    #[test]
    fn a_level_is_about_our_own_crates() {
        let said = said("debug", || {
            tracing::debug!(target: "rejoin_core", "ours");
            tracing::debug!(target: "tungstenite", "others");
        });
        assert!(said.contains("ours") && !said.contains("others"), "{said}");
    }

    #[test]
    fn a_filter_is_taken_at_its_word() {
        let said = said("rtc_ice=warn", || tracing::warn!(target: "rtc_ice::agent", "engine"));
        assert!(said.contains("engine"), "{said}");
    }

    /// Returns what is logged with `chosen` while `work` is done.
    fn said(chosen: &str, work: impl FnOnce()) -> String {
        let page = Page::default();
        let writer = page.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(directives(chosen)))
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, work);
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
