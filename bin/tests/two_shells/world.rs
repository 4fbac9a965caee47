//! A network namespace with nothing in it but loopback, a server and two shells.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use crate::shell::Shell;

/// Set inside the namespace.
const INSIDE: &str = "TWO_SHELLS_INSIDE_NAMESPACE";

/// The namespace that this process is in.
pub(crate) struct World {
    server: String,
}

impl World {
    /// Runs `test` again inside a new namespace and returns `None`; inside, returns the namespace.
    pub(crate) fn enter(test: &str) -> Option<Self> {
        if std::env::var_os(INSIDE).is_some() {
            run("ip", &["link", "set", "lo", "up"]);
            return Some(Self { server: "127.0.0.1:0".to_owned() });
        }
        if let Err(reason) = possible() {
            eprintln!("SKIP {test}: {reason}");
            return None;
        }
        let status = Command::new("unshare")
            .args(["--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(INSIDE, "1")
            .status()
            .unwrap();
        assert!(status.success(), "it failed inside the namespace; see above");
        None
    }

    /// Starts the server, on the port that it had before.
    pub(crate) fn serve(&mut self) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rejoin"))
            .args(["serve", "--listen", &self.server])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        self.server = line.trim().trim_start_matches("ws://").to_owned();
        Server(child)
    }

    pub(crate) fn publish(&self, identity: &str) -> Shell {
        Shell::start(&["--server", &self.url(), "--push", "cam", "--identity", identity])
    }

    pub(crate) fn view(&self, identity: &str) -> Shell {
        Shell::start(&["--server", &self.url(), "--view", "cam", "--identity", identity])
    }

    fn url(&self) -> String {
        format!("ws://{}", self.server)
    }

    /// Makes every UDP datagram vanish.
    pub(crate) fn cut_udp(&self) {
        filter(
            "table inet cut {\n chain in {\n type filter hook input priority 0;\n meta l4proto udp drop;\n }\n}\n",
        );
    }

    pub(crate) fn heal_udp(&self) {
        filter("delete table inet cut\n");
    }
}

/// A running `rejoin serve`.
pub(crate) struct Server(Child);

impl Server {
    /// Kills it without a word.
    pub(crate) fn kill(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // it may have ended by itself
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns why the namespace cannot be made here, if it cannot.
fn possible() -> Result<(), String> {
    let probe = "ip link set lo up && nft list ruleset";
    let probe = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "sh", "-c", probe])
        .stdin(Stdio::null())
        .output();
    match probe {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("no namespace: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(format!("no unshare: {error}")),
    }
}

fn filter(rules: &str) {
    let mut nft = Command::new("nft").args(["-f", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    nft.stdin.take().unwrap().write_all(rules.as_bytes()).unwrap();
    assert!(nft.wait().unwrap().success(), "nft refused {rules}");
}

fn run(program: &str, arguments: &[&str]) {
    assert!(Command::new(program).args(arguments).status().unwrap().success(), "{program} {arguments:?}");
}
