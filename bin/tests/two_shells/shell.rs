//! A shell that runs `rejoin join --events --format jsonl`: what it says, and what is said to it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How often a shell says its next number.
const PACE: Duration = Duration::from_millis(50);

/// A running `rejoin join`; killed when dropped.
pub(crate) struct Shell {
    child: Child,
    input: Arc<Mutex<ChildStdin>>,
    heard: Arc<(Mutex<Vec<Value>>, Condvar)>,
}

impl Shell {
    /// Starts `rejoin join` with these arguments.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rejoin"))
            .arg("join")
            .args(["--events", "--format", "jsonl", "--profile", "aggressive"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = Arc::new(Mutex::new(child.stdin.take().unwrap()));
        let heard = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let output = BufReader::new(child.stdout.take().unwrap());
        let told = Arc::clone(&heard);
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap();
                told.0.lock().unwrap().push(event);
                told.1.notify_all();
            }
        });
        Self { child, input, heard }
    }

    /// Says 1, 2, 3 … until the shell ends.
    pub(crate) fn count_aloud(&self) {
        let input = Arc::clone(&self.input);
        thread::spawn(move || {
            for number in 1u64.. {
                if writeln!(input.lock().unwrap(), "{{\"n\":{number}}}").is_err() {
                    return;
                }
                thread::sleep(PACE); // the pace of the talk, not a wait for anything
            }
        });
    }

    /// Returns how many events there are, to look only at later ones.
    pub(crate) fn mark(&self) -> usize {
        self.heard.0.lock().unwrap().len()
    }

    pub(crate) fn since(&self, mark: usize) -> Vec<Value> {
        self.heard.0.lock().unwrap()[mark..].to_vec()
    }

    pub(crate) fn wait(&self, limit: Duration, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        self.wait_since(0, limit, what, is_it)
    }

    /// Waits for the first event after `mark` that `is_it`.
    pub(crate) fn wait_since(
        &self,
        mark: usize,
        limit: Duration,
        what: &str,
        is_it: impl Fn(&Value) -> bool,
    ) -> Value {
        let deadline = Instant::now() + limit;
        let (events, news) = &*self.heard;
        let mut events = events.lock().unwrap();
        loop {
            if let Some(event) = events[mark..].iter().find(|event| is_it(event)) {
                return event.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let other: Vec<_> = events[mark..].iter().filter(|event| event["event"] != "received").collect();
            assert!(!left.is_zero(), "waited in vain for {what}; since then: {other:#?}");
            events = news.wait_timeout(events, left).unwrap().0;
        }
    }

    /// Kills it without a word.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends what Ctrl-C sends.
    pub(crate) fn interrupt(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    }

    /// Returns whether it ends with exit code 0 within `limit`.
    pub(crate) fn ends(&mut self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            thread::sleep(Duration::from_millis(20)); // polls a process, for want of anything to wait on
        }
        false
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // it may have ended by itself
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the numbers among received data, in the order of arrival.
pub(crate) fn numbers(events: &[Value]) -> Vec<u64> {
    events.iter().filter_map(|event| event["data"]["n"].as_u64()).collect()
}

/// Returns whether an event means that a peer link was broken, repaired or built.
pub(crate) fn is_peer_event(event: &Value) -> bool {
    let about_peer = event["link"]["kind"] == "peer";
    let built = event["event"] == "connected" || event["event"] == "peer_left";
    about_peer || built
}
