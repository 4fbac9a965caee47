//! What is left of a lab when it ends: nothing.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::Uid;
use rejoin_lab::sandbox;

#[test]
fn nothing_is_left_when_a_lab_returns() {
    sandbox::test("ends::nothing_is_left_when_a_lab_returns", || {
        let mut victim = victim(&mut Command::new(program()), "returns");
        let anchors = anchors();
        let_end(&mut victim);
        assert!(victim.wait().unwrap().success());
        nothing_is_left(anchors);
    });
}

#[test]
fn nothing_is_left_when_a_lab_panics() {
    sandbox::test("ends::nothing_is_left_when_a_lab_panics", || {
        let mut victim = victim(&mut Command::new(program()), "panics");
        let anchors = anchors();
        let_end(&mut victim);
        assert!(!victim.wait().unwrap().success());
        nothing_is_left(anchors);
    });
}

#[test]
fn nothing_is_left_when_a_lab_is_killed() {
    sandbox::test("ends::nothing_is_left_when_a_lab_is_killed", || {
        let mut victim = victim(&mut Command::new(program()), "returns");
        let anchors = anchors();
        // This is the process outside; the kernel kills those inside without it.
        victim.kill().unwrap();
        victim.wait().unwrap();
        nothing_is_left(anchors);
    });
}

#[test]
fn two_labs_do_not_see_each_other() {
    sandbox::test("ends::two_labs_do_not_see_each_other", || {
        let mut victims = [(); 2].map(|()| victim(&mut Command::new(program()), "returns"));
        let anchors = anchors();
        for victim in &mut victims {
            let_end(victim);
            assert!(victim.wait().unwrap().success());
        }
        nothing_is_left(anchors);
    });
}

#[test]
fn nobody_needs_to_be_root() {
    sandbox::test("ends::nobody_needs_to_be_root", || {
        // Whoever is not root proves it with every other test.
        let mut command = if Uid::effective().is_root() && real_root() {
            // A copy, for others may not be allowed to look where we build.
            let copy = "/run/victim";
            fs::copy(program(), copy).unwrap();
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", copy]);
            command
        } else {
            Command::new(program())
        };
        let mut victim = victim(&mut command, "returns");
        let anchors = anchors();
        let_end(&mut victim);
        assert!(victim.wait().unwrap().success());
        nothing_is_left(anchors);
    });
}

/// Whether root here is root outside too, and may so become somebody else.
fn real_root() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap();
    map.split_whitespace().nth(2).is_some_and(|count| count != "1")
}

/// The path of the example that is the victim; cargo builds it beside the tests.
fn program() -> PathBuf {
    let test = env::current_exe().unwrap();
    let path = test.parent().and_then(Path::parent).unwrap().join("examples/victim");
    assert!(path.exists(), "there is no victim; build it with `cargo build --example victim`");
    path
}

/// Starts a lab inside this one, and returns when it is complete.
fn victim(command: &mut Command, way: &str) -> Child {
    let mut child = command.arg(way).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    child
}

fn let_end(victim: &mut Child) {
    victim.stdin.as_mut().unwrap().write_all(b"now\n").unwrap();
}

/// Ties an interface here to every other network namespace that a thread is in, and returns their number.
///
/// The kernel removes an interface when the namespace of its peer ends, so these tell whether a namespace is still there
/// although it has no name.
fn anchors() -> usize {
    let threads = |process: &PathBuf| fs::read_dir(process.join("task")).into_iter().flatten().flatten();
    let mut namespaces = BTreeSet::from([fs::read_link("/proc/self/ns/net").unwrap()]);
    for thread in processes().iter().flat_map(threads) {
        let Ok(namespace) = fs::read_link(thread.path().join("ns/net")) else { continue };
        if namespaces.insert(namespace) {
            let (name, id) = (format!("anchor{}", namespaces.len()), thread.file_name());
            let words = ["link", "add", &name, "type", "veth", "peer", "name", &name, "netns"];
            assert!(Command::new("ip").args(words).arg(id).status().unwrap().success());
        }
    }
    let count = namespaces.len() - 1;
    assert_eq!(interfaces().matches("anchor").count(), count);
    // The first namespace of the lab, its three hosts with programs, four links, the name server.
    assert!(count >= 8, "{count}");
    count
}

/// Waits until the kernel has removed every process and every namespace of the lab.
fn nothing_is_left(anchors: usize) {
    let started = Instant::now();
    loop {
        let running = processes().into_iter().filter(|process| alive(process)).count();
        let (tied, names) = (interfaces().matches("anchor").count(), Path::new("/run/netns").exists());
        // Ourselves are one.
        if running == 1 && tied == 0 && !names {
            return;
        }
        let left = format!("{running} processes, {tied} of {anchors} namespaces, names: {names}");
        assert!(started.elapsed() < Duration::from_secs(20), "left: {left}");
        thread::sleep(Duration::from_millis(20)); // the kernel has no event for the end of a namespace
    }
}

fn processes() -> Vec<PathBuf> {
    let numbered =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().parse::<u32>().is_ok());
    fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path()).filter(numbered).collect()
}

/// Whether a process is more than an entry that waits for its parent, which we are by inheritance.
fn alive(process: &Path) -> bool {
    let Ok(stat) = fs::read_to_string(process.join("stat")) else { return false };
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

fn interfaces() -> String {
    String::from_utf8(Command::new("ip").args(["-brief", "link"]).output().unwrap().stdout).unwrap()
}
