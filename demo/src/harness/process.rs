//! One peer process: its standard streams, the numbered messages that it is given, and its end.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::role::{NumberedMessage, ProcessId};

/// Something that a process did.
#[derive(Clone, Debug)]
pub struct ProcessEvent {
    /// The process.
    pub process: ProcessId,
    /// When the harness saw it; one clock for all processes.
    pub at: Instant,
    /// What it did.
    pub kind: EventKind,
}

/// What a process can do.
#[derive(Clone, Debug)]
pub enum EventKind {
    /// It printed a line of JSON.
    Printed(Value),
    /// It printed a line that is not JSON.
    NotJson(String),
    /// The harness wrote the message with this number to its stdin.
    Sent(u64),
    /// Its stdout closed.
    Exited,
}

/// Returns the line of stdin with which a process sends a message.
pub type MessageFormat = fn(NumberedMessage) -> Value;

/// The messages 1, 2, 3 … that the harness writes to the stdin of a process.
#[derive(Clone, Copy, Debug)]
pub struct NumberedMessages {
    /// The time between two messages.
    pub interval: Duration,
    /// How a message is written.
    pub format: MessageFormat,
}

/// A running process; dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    id: ProcessId,
    stdin: Arc<Mutex<ChildStdin>>,
    sending: Arc<AtomicBool>,
}

impl Process {
    /// Starts `command`, reports its events to `events` and sends `messages`; stderr stays as the command has it.
    ///
    /// # Errors
    /// If the process cannot be started.
    pub fn start(
        mut command: Command,
        id: ProcessId,
        messages: NumberedMessages,
        events: &Sender<ProcessEvent>,
    ) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the process has no stdin and stdout"));
        };
        let report = {
            let events = events.clone();
            move |kind| events.send(ProcessEvent { process: id, at: Instant::now(), kind })
        };
        let reporting = report.clone();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let kind = serde_json::from_str(&line).map_or(EventKind::NotJson(line), EventKind::Printed);
                if reporting(kind).is_err() {
                    return;
                }
            }
            // At the end of a run nobody receives events any more.
            let _ = reporting(EventKind::Exited);
        });
        let (stdin, sending) = (Arc::new(Mutex::new(stdin)), Arc::new(AtomicBool::new(true)));
        let process = Self { child, id, stdin: Arc::clone(&stdin), sending: Arc::clone(&sending) };
        thread::spawn(move || {
            let mut next = Instant::now();
            for number in 1u64.. {
                if !sending.load(Ordering::SeqCst) {
                    return;
                }
                let message = NumberedMessage { sender: id, number };
                if write_line(&stdin, &(messages.format)(message)).is_err() {
                    return;
                }
                // At the end of a run nobody receives events any more.
                let _ = report(EventKind::Sent(number));
                next += messages.interval;
                thread::sleep(next.saturating_duration_since(Instant::now()));
            }
        });
        Ok(process)
    }

    /// Writes a line of JSON between the messages.
    ///
    /// # Errors
    /// If the process does not read its stdin any more.
    pub fn write(&self, line: &Value) -> io::Result<()> {
        write_line(&self.stdin, line)
    }

    /// Stops the numbered messages.
    pub fn stop_sending(&self) {
        self.sending.store(false, Ordering::SeqCst);
    }

    /// Returns which process this is.
    pub fn id(&self) -> ProcessId {
        self.id
    }

    /// Returns the number by which the system knows it.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns the exit status, or `None` while it runs.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Kills it, with SIGKILL where there are signals, and waits for its end.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        self.stop_sending();
        self.child.kill()?;
        self.child.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.kill();
    }
}

fn write_line(stdin: &Mutex<ChildStdin>, line: &Value) -> io::Result<()> {
    // A thread that panicked while it held the lock has written a part of a line at most.
    let mut stdin = stdin.lock().map_err(|_| io::Error::other("a writer of stdin panicked"))?;
    writeln!(stdin, "{line}").and_then(|()| stdin.flush())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::sync::mpsc::{self, Receiver};

    use super::*;
    use crate::harness::role::Role;

    const ID: ProcessId = ProcessId { role: Role::Viewer, number: 3 };

    #[test]
    fn messages_and_printed_lines_are_reported_in_order() {
        let (_process, events) = start(Command::new("cat"));
        let mut printed = Vec::new();
        while printed.len() < 3 {
            if let EventKind::Printed(line) = next(&events) {
                printed.push(NumberedMessage::from_json(&line).unwrap());
            }
        }
        assert_eq!(printed, [1, 2, 3].map(|number| NumberedMessage { sender: ID, number }));
    }

    #[test]
    fn a_killed_process_exits() {
        let (mut process, events) = start(Command::new("cat"));
        assert!(process.try_wait().unwrap().is_none());
        assert!(!process.kill().unwrap().success());
        while !matches!(next(&events), EventKind::Exited) {}
    }

    #[test]
    fn a_line_that_is_not_json_is_reported_as_it_is() {
        let mut command = Command::new("echo");
        command.arg("hello there");
        let (_process, events) = start(command);
        loop {
            match next(&events) {
                EventKind::Sent(_) => {}
                kind => break assert!(matches!(&kind, EventKind::NotJson(line) if line == "hello there")),
            }
        }
    }

    fn start(command: Command) -> (Process, Receiver<ProcessEvent>) {
        let (sender, events) = mpsc::channel();
        let messages =
            NumberedMessages { interval: Duration::from_millis(50), format: NumberedMessage::to_json };
        (Process::start(command, ID, messages, &sender).unwrap(), events)
    }

    fn next(events: &Receiver<ProcessEvent>) -> EventKind {
        events.recv_timeout(Duration::from_secs(20)).unwrap().kind
    }
}
