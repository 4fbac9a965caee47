//! A page for stdout, by a command that ends when it is written.

use std::io::{self, Write as _};

use anyhow::Result;

/// Writes a page to stdout; a reader that has seen enough is no failure.
pub(crate) fn printed(page: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(page.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Err(_) | Ok(()) => Ok(()),
    }
}
