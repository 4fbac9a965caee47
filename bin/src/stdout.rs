//! Writes the output of a command that ends when it is written.

use std::io::{self, Write as _};

use anyhow::Result;

/// Writes `text` to stdout; a reader that closes the pipe early is not an error.
///
/// # Errors
/// Fails if stdout cannot be written.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Err(_) | Ok(()) => Ok(()),
    }
}
