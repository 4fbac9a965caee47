//! A running program: what it prints and when, what it is told, and how it ends.

pub mod resources;

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::ledger::Role;
use crate::program::resources::Resources;

/// Which life of which program; every start is a life of its own, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Life {
    /// Whose.
    pub role: Role,
    /// Which.
    pub number: u32,
}

/// Something that a program did.
#[derive(Clone, Debug)]
pub struct News {
    /// Who.
    pub life: Life,
    /// When it arrived here.
    pub at: Instant,
    /// What.
    pub what: What,
}

/// What a program can do.
#[derive(Clone, Debug)]
pub enum What {
    /// It printed a line of JSON.
    Printed(Value),
    /// It printed something else.
    Babbled(String),
    /// It was told this number.
    Told(u64),
    /// Its stdout closed.
    Fell,
}

/// A running program; killed when dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    life: Life,
    input: Arc<Mutex<ChildStdin>>,
    talking: Arc<AtomicBool>,
    news: Sender<News>,
}

impl Program {
    /// Starts `command` and reports what it does to `news`; stderr stays where the command has it.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(mut command: Command, life: Life, news: Sender<News>) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("a program without stdin and stdout"));
        };
        let told = news.clone();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let at = Instant::now();
                let what = serde_json::from_str(&line).map_or(What::Babbled(line), What::Printed);
                if told.send(News { life, at, what }).is_err() {
                    return;
                }
            }
            // Nobody may listen any more at the end of a run.
            let _ = told.send(News { life, at: Instant::now(), what: What::Fell });
        });
        let talking = Arc::new(AtomicBool::new(false));
        Ok(Self { child, life, input: Arc::new(Mutex::new(input)), talking, news })
    }

    /// Tells it to send 1, 2, 3 … to its peers, one every `pace` and in such words, until [`Program::hush`].
    pub fn talk(&self, pace: Duration, words: Words) {
        if self.talking.swap(true, Ordering::SeqCst) {
            return;
        }
        let (input, talking) = (Arc::clone(&self.input), Arc::clone(&self.talking));
        let (news, life) = (self.news.clone(), self.life);
        thread::spawn(move || {
            let mut next = Instant::now();
            for number in 1u64.. {
                if !talking.load(Ordering::SeqCst) {
                    return;
                }
                let line = words(life, number);
                // Held only here and by `hush`, which waits for no program.
                let Ok(mut input) = input.lock() else { return };
                if writeln!(input, "{line}").and_then(|()| input.flush()).is_err() {
                    return;
                }
                drop(input);
                let _ = news.send(News { life, at: Instant::now(), what: What::Told(number) });
                next += pace;
                thread::sleep(next.saturating_duration_since(Instant::now()));
            }
        });
    }

    /// Tells it no more numbers.
    pub fn hush(&self) {
        self.talking.store(false, Ordering::SeqCst);
    }

    /// Returns which life this is.
    pub fn life(&self) -> Life {
        self.life
    }

    /// Returns what it holds at this moment; `None` when it is gone.
    pub fn resources(&self) -> Option<Resources> {
        Resources::of(self.child.id())
    }

    /// Sends SIGKILL and waits for the end.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        self.hush();
        self.child.kill()?;
        self.child.wait()
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let number = i32::try_from(self.child.id()).map_err(io::Error::other)?;
        kill(Pid::from_raw(number), signal).map_err(io::Error::from)
    }

    /// Asks it to end as Ctrl-C does; returns whether it did so with code 0 within `limit`.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn ends_politely(&mut self, limit: Duration) -> io::Result<bool> {
        self.hush();
        self.signal(Signal::SIGINT)?;
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.success());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(false)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.hush();
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes the line for stdin that tells a program to send a number.
pub type Words = fn(Life, u64) -> Value;

/// Returns the message with a number, which is all that rejoin needs to be told.
pub fn message(life: Life, number: u64) -> Value {
    json!({"sender": life.role.name(), "life": life.number, "number": number})
}

/// Returns whose message a received value is, and its number.
pub fn numbered(data: &Value) -> Option<(Life, u64)> {
    let role = Role::BOTH.into_iter().find(|role| data["sender"] == role.name())?;
    let number = u32::try_from(data["life"].as_u64()?).ok()?;
    Some((Life { role, number }, data["number"].as_u64()?))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const LIFE: Life = Life { role: Role::Viewer, number: 3 };

    #[test]
    fn what_a_program_is_told_and_prints_is_reported_in_order() {
        let (news, reports) = mpsc::channel();
        let program = Program::start(Command::new("cat"), LIFE, news).unwrap();
        program.talk(Duration::from_millis(50), message);
        let mut printed = Vec::new();
        while printed.len() < 3 {
            if let What::Printed(line) = reports.recv_timeout(Duration::from_secs(20)).unwrap().what {
                printed.push(numbered(&line).unwrap());
            }
        }
        assert_eq!(printed, [(LIFE, 1), (LIFE, 2), (LIFE, 3)]);
    }

    #[test]
    fn a_killed_program_falls() {
        let (news, reports) = mpsc::channel();
        let mut program = Program::start(Command::new("cat"), LIFE, news).unwrap();
        assert!(program.resources().is_some());
        assert!(!program.kill().unwrap().success());
        let what = reports.recv_timeout(Duration::from_secs(20)).unwrap().what;
        assert!(matches!(what, What::Fell), "{what:?}");
        assert_eq!(program.resources(), None);
    }

    #[test]
    fn what_is_no_json_is_told_apart() {
        let (news, reports) = mpsc::channel();
        let mut command = Command::new("echo");
        command.arg("hello there");
        let _program = Program::start(command, LIFE, news).unwrap();
        let what = reports.recv_timeout(Duration::from_secs(20)).unwrap().what;
        assert!(matches!(&what, What::Babbled(line) if line == "hello there"), "{what:?}");
    }
}
