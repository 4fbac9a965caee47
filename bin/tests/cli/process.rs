//! A process of ours whose lines can be waited for, and that never outlives its test.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Anything that is waited for comes within this, on a busy machine too.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// A running `rejoin`.
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    pub(crate) stdout: Lines,
    pub(crate) stderr: Lines,
    /// Kept open where nobody reads it.
    unread: Option<ChildStdout>,
}

fn join<'a>(server: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
    [&["join", "--server", server, "--profile", "aggressive"][..], arguments].concat()
}

impl Process {
    /// Starts it with `arguments`.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let (mut process, stdout) = Self::start_unread(arguments);
        process.stdout = Lines::of(stdout);
        process
    }

    /// Starts it with a stdout that fills up until the second part is read or dropped.
    fn start_unread(arguments: &[&str]) -> (Self, ChildStdout) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rejoin"))
            .args(arguments)
            .env_remove("RUST_LOG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().unwrap();
        let stderr = Lines::of(child.stderr.take().unwrap());
        (Self { child, stdin, stdout: Lines::none(), stderr, unread: None }, stdout)
    }

    /// Starts a server and returns it with its URL.
    pub(crate) fn serve() -> (Self, String) {
        let mut server = Self::start(&["serve", "--listen", "127.0.0.1:0"]);
        let url = server.stdout.next("the address of the server");
        (server, url)
    }

    /// Starts `rejoin join` on `server`.
    pub(crate) fn join(server: &str, arguments: &[&str]) -> Self {
        Self::start(&join(server, arguments))
    }

    /// Starts the same with a stdout that nobody reads.
    pub(crate) fn join_unread(server: &str, arguments: &[&str]) -> Self {
        let (mut process, stdout) = Self::start_unread(&join(server, arguments));
        process.unread = Some(stdout);
        process
    }

    /// Writes a line to its stdin.
    pub(crate) fn send_line(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Closes its stdin.
    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Reads its stdout no further.
    pub(crate) fn hang_up(&mut self) {
        self.stdout = Lines::none();
    }

    /// Sends it a signal.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.id().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Returns its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns whether it ends within a moment.
    pub(crate) fn has_ended(&mut self) -> bool {
        std::thread::sleep(Duration::from_millis(10)); // std has no way to wait for an end with a limit
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + LIMIT;
        while !self.has_ended() {
            assert!(Instant::now() < deadline, "{} does not end; {}", self.id(), self.stderr.seen_lines());
        }
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a pipe, as they come.
pub(crate) struct Lines {
    coming: Receiver<String>,
    seen: Vec<String>,
}

impl Lines {
    fn none() -> Self {
        Self { coming: channel().1, seen: Vec::new() }
    }

    fn of(pipe: impl Read + Send + 'static) -> Self {
        let (sender, coming) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { coming, seen: Vec::new() }
    }

    /// Returns the next line.
    pub(crate) fn next(&mut self, what: &str) -> String {
        self.wait(what, |_| true)
    }

    /// Returns the next line that holds `part`.
    pub(crate) fn with(&mut self, part: &str) -> String {
        self.wait(part, |line| line.contains(part))
    }

    /// Returns the next event called `name`.
    pub(crate) fn event(&mut self, name: &str) -> Value {
        let called =
            |line: &str| serde_json::from_str::<Value>(line).is_ok_and(|event| event["event"] == name);
        serde_json::from_str(&self.wait(name, called)).unwrap()
    }

    /// Returns everything until the pipe closes, without what was returned before.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        let mut rest = Vec::new();
        while let Ok(line) = self.coming.recv_timeout(LIMIT) {
            rest.push(line);
        }
        rest
    }

    /// Returns every line so far, for messages.
    pub(crate) fn seen_lines(&mut self) -> String {
        self.seen.extend(self.coming.try_iter());
        self.seen.join("\n")
    }

    fn wait(&mut self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + LIMIT;
        loop {
            match self.coming.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if fits(&line) {
                        return line;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("no {what} in time; so far:\n{}", self.seen_lines()),
                Err(RecvTimeoutError::Disconnected) => panic!("no {what}, it ended:\n{}", self.seen_lines()),
            }
        }
    }
}
