//! The signaling server as a process, which prints one line when it listens.

use std::io::{self, BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// A running server; dropping it kills it.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
}

/// How long a server may take until it listens, on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(20);

impl ServerProcess {
    /// Starts `command` and waits for its first line, which it returns too; stdin and stderr stay as the command has them.
    ///
    /// # Errors
    /// If the server cannot be started, or ends or stays silent instead of printing a line.
    pub fn start(mut command: Command) -> io::Result<(Self, String)> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("the server has no stdout"))?;
        let server = Self { child };
        let (sender, first_line) = mpsc::channel();
        thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            let mut line = String::new();
            if stdout.read_line(&mut line).is_ok() && !line.trim().is_empty() {
                let _ = sender.send(line.trim().to_owned());
            }
            // A server that prints more must not block on a full pipe.
            let _ = io::copy(&mut stdout, &mut io::sink());
        });
        let line = first_line
            .recv_timeout(START_TIMEOUT)
            .map_err(|_| io::Error::other("the server did not say where it listens"))?;
        Ok((server, line))
    }

    /// Returns the number by which the system knows it.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns whether it has ended by itself.
    pub fn has_exited(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
