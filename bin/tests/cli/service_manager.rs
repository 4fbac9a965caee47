//! What systemd would hear: a socket of ours takes its place.

use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::process::{LIMIT, Process};

#[test]
fn a_session_is_ready_once_every_wanted_link_is_verified() {
    let (_server, url) = Process::serve();
    let manager = Manager::listen();
    let viewer = manager.start(&["join", "--server", &url, "--view", "cam"]);
    // Alive, but far from ready: nobody publishes.
    for _ in 0..4 {
        assert_eq!(manager.next(), "WATCHDOG=1");
    }
    let mut publisher = Process::join(&url, &["--push", "cam", "--events"]);
    publisher.stdout.event("connected");
    manager.wait("READY=1");
    manager.wait("WATCHDOG=1");
    viewer.terminate();
    assert!(manager.until("STOPPING=1").iter().all(|told| told == "WATCHDOG=1"));
}

#[test]
fn a_server_is_ready_when_it_listens() {
    let manager = Manager::listen();
    let server = manager.start(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(manager.next(), "READY=1");
    manager.wait("WATCHDOG=1");
    manager.wait("WATCHDOG=1");
    server.terminate();
    manager.wait("STOPPING=1");
}

#[test]
fn a_manager_that_is_gone_harms_nobody() {
    let manager = Manager::listen();
    std::fs::remove_file(manager.directory.path().join("notify")).unwrap();
    let mut server = manager.start(&["serve", "--listen", "127.0.0.1:0"]);
    BufReader::new(server.0.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
    server.terminate();
    assert_eq!(server.0.wait().unwrap().code(), Some(0));
}

/// A socket that notes what it is told.
struct Manager {
    socket: UnixDatagram,
    directory: TempDir,
}

impl Manager {
    fn listen() -> Self {
        let directory = TempDir::new().unwrap();
        let socket = UnixDatagram::bind(directory.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        Self { socket, directory }
    }

    /// Starts a service that has to show life every 200 ms.
    fn start(&self, arguments: &[&str]) -> Service {
        let child = Command::new(env!("CARGO_BIN_EXE_rejoin"))
            .args(arguments)
            .env("NOTIFY_SOCKET", self.directory.path().join("notify"))
            .env("WATCHDOG_USEC", "200000")
            .env_remove("WATCHDOG_PID")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Service(child)
    }

    fn next(&self) -> String {
        let mut told = [0; 256];
        let length = self.socket.recv(&mut told).unwrap();
        String::from_utf8_lossy(&told[..length]).trim_end().to_owned()
    }

    fn wait(&self, wanted: &str) {
        self.until(wanted);
    }

    /// Returns what was told before `wanted`.
    fn until(&self, wanted: &str) -> Vec<String> {
        std::iter::from_fn(|| Some(self.next())).take_while(|told| told != wanted).collect()
    }
}

struct Service(Child);

impl Service {
    fn terminate(&self) {
        let pid = Pid::from_raw(self.0.id().try_into().unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
