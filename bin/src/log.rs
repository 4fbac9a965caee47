//! The log on stderr, and its filter.

use std::io::{self, IsTerminal as _};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Result, anyhow};
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// The environment variable with the filter if `--log` is missing.
const VARIABLE: &str = "RUST_LOG";

/// The prefixes of the log targets of the WebRTC engine, which are off by default.
///
/// The engine warns of normal conditions (a lost path, a closed connection, an unsupported option), and rejoin reports
/// relevant failures as faults.
const ENGINE: [&str; 2] = ["rtc", "webrtc"];

/// The filter of `--log`, for child processes.
static CHOSEN: OnceLock<String> = OnceLock::new();

/// Logs to stderr with the filter `chosen`, or `RUST_LOG`, or `level` for our own crates.
///
/// A separate thread writes, so that a blocked or closed stderr does not affect a session.
/// It drops lines that do not fit its queue; the guard writes the remaining lines when it is dropped.
pub(crate) fn to_stderr(chosen: Option<&str>, level: &str) -> Result<WorkerGuard> {
    let filter = match chosen {
        Some(chosen) => {
            let directives = directives(chosen);
            let filter = EnvFilter::try_new(&directives).map_err(|error| {
                anyhow!(
                    "--log \"{chosen}\" is not a filter ({error}); \
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

/// Sets the filter of a child process: that of `--log`, or `level` for our own crates.
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

/// Returns the filter for `chosen`: a level alone applies to our own crates.
fn directives(chosen: &str) -> String {
    match chosen.parse::<LevelFilter>() {
        Ok(level) => ours(&level.to_string()),
        Err(_) => chosen.to_owned(),
    }
}

/// Returns the filter with `level` for our own crates, and warnings only for others.
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
    fn the_engine_is_off_by_default() {
        let logged = logged("info", || {
            tracing::error!(target: "rtc_dtls::config", "engine");
            tracing::warn!(target: "rtc_ice::agent", "engine");
            tracing::warn!(target: "webrtc::peer_connection", "engine");
            tracing::warn!(target: "tungstenite::protocol", "others");
            tracing::info!(target: "rejoin::telemetry", "ours");
        });
        assert!(!logged.contains("engine"), "{logged}");
        assert!(logged.contains("others") && logged.contains("ours"), "{logged}");
    }

    #[test]
    fn a_level_applies_to_our_own_crates() {
        let logged = logged("debug", || {
            tracing::debug!(target: "rejoin_core", "ours");
            tracing::debug!(target: "tungstenite", "others");
        });
        assert!(logged.contains("ours") && !logged.contains("others"), "{logged}");
    }

    #[test]
    fn a_filter_is_not_changed() {
        let logged = logged("rtc_ice=warn", || tracing::warn!(target: "rtc_ice::agent", "engine"));
        assert!(logged.contains("engine"), "{logged}");
    }

    /// Returns what is logged with `chosen` while `work` is done.
    fn logged(chosen: &str, work: impl FnOnce()) -> String {
        let buffer = LogBuffer::default();
        let writer = buffer.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new(directives(chosen)))
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, work);
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[derive(Clone, Default)]
    struct LogBuffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for LogBuffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
