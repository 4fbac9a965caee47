//! A durable shell through all its lives: what it was told, what it took, and what it printed.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

/// One place on the command line, and one directory of mail.
pub(crate) struct Shell {
    arguments: Vec<String>,
    mail: PathBuf,
    life: Option<Life>,
    /// The numbers that were written to the stdin of each life, line by line.
    said: Vec<Vec<u64>>,
    next: u64,
    /// What each life printed, whole lines only: a partial line is not a line.
    printed: Arc<Mutex<Vec<Vec<Value>>>>,
}

struct Life {
    process: Child,
    stdin: ChildStdin,
    reader: JoinHandle<()>,
}

impl Shell {
    /// Starts its first life.
    pub(crate) fn new(arguments: &[&str], mail: &Path) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let (said, printed) = (Vec::new(), Arc::default());
        let mut shell = Self { arguments, mail: mail.to_owned(), life: None, said, next: 1, printed };
        shell.start();
        shell
    }

    /// Starts another life.
    pub(crate) fn start(&mut self) {
        let mut process = Command::new(env!("CARGO_BIN_EXE_rejoin"))
            .args(&self.arguments)
            .arg("--durable")
            .arg(&self.mail)
            .env("RUST_LOG", "error")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        self.said.push(Vec::new());
        self.printed.lock().unwrap().push(Vec::new());
        let (number, printed) = (self.said.len() - 1, Arc::clone(&self.printed));
        let reader = std::thread::spawn(move || {
            for line in whole_lines(stdout) {
                printed.lock().unwrap()[number].push(serde_json::from_str(&line).unwrap());
            }
        });
        self.life = Some(Life { process, stdin, reader });
    }

    /// Kills it with SIGKILL and reads what it has printed by then.
    pub(crate) fn kill(&mut self) {
        let Some(mut life) = self.life.take() else { return };
        life.process.kill().unwrap();
        life.process.wait().unwrap();
        life.reader.join().unwrap();
    }

    /// Writes the next number to its stdin; no number is ever written twice.
    pub(crate) fn send_next(&mut self) {
        let Some(life) = &mut self.life else { return };
        if writeln!(life.stdin, "{}", self.next).is_ok() {
            self.said.last_mut().unwrap().push(self.next);
            self.next += 1;
        }
    }

    /// Returns the numbers that it said it has taken, in order.
    pub(crate) fn taken(&self) -> Vec<u64> {
        let printed = self.printed.lock().unwrap();
        let lives = printed.iter().zip(&self.said);
        let taken = |(lines, said): (&Vec<Value>, &Vec<u64>)| -> Vec<u64> {
            let accepted = lines.iter().filter(|line| line["event"] == "accepted");
            accepted.map(|line| said[line["line"].as_u64().unwrap() as usize - 1]).collect()
        };
        lives.flat_map(taken).collect()
    }

    /// Returns whether its present life has taken everything that was written to it.
    pub(crate) fn has_taken_everything(&self) -> bool {
        self.said.last().unwrap().last() == self.taken().last()
    }

    /// Returns everything that it printed under the name of `event`, in order.
    pub(crate) fn printed_events(&self, event: &str) -> Vec<Value> {
        let printed = self.printed.lock().unwrap();
        printed.iter().flatten().filter(|line| line["event"] == event).cloned().collect()
    }

    /// Waits for a line.
    pub(crate) fn wait(&self, limit: Duration, what: &str, fits: impl Fn(&Value) -> bool) {
        let deadline = Instant::now() + limit;
        while !self.printed.lock().unwrap().iter().flatten().any(&fits) {
            assert!(Instant::now() < deadline, "{what} did not come");
            std::thread::sleep(Duration::from_millis(5)); // lines come by themselves
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        if let Some(life) = &mut self.life {
            let _ = life.process.kill();
            let _ = life.process.wait();
        }
    }
}

/// Returns the first line of a pipe.
pub(crate) fn first_line(pipe: impl Read) -> String {
    whole_lines(pipe).next().unwrap()
}

/// Returns the lines of a pipe, without a last one that has no end.
fn whole_lines(pipe: impl Read) -> impl Iterator<Item = String> {
    let mut pipe = BufReader::new(pipe);
    std::iter::from_fn(move || {
        let mut line = String::new();
        pipe.read_line(&mut line).ok()?;
        line.strip_suffix('\n').map(str::to_owned)
    })
}
