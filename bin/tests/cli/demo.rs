//! `rejoin demo`: what it reports, and that it leaves nobody behind.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::process::{LIMIT, Process};

#[test]
fn a_fault_is_measured_and_summed_up() {
    let mut demo =
        Process::start(&["demo", "--faults", "channel,channel", "--format", "json", "--seed", "7"]);
    let lines: Vec<Value> =
        demo.stdout.rest().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [first, second, last] = &lines[..] else { panic!("{lines:?}; {}", demo.stderr.seen_lines()) };
    for incident in [first, second] {
        assert_eq!(
            (&incident["fault"], &incident["verified"]),
            (&"channel".into(), &true.into()),
            "{incident}"
        );
        assert!(incident["detected_ms"].as_u64() <= incident["recovered_ms"].as_u64(), "{incident}");
        assert!(!incident["steps"].as_array().unwrap().is_empty(), "{incident}");
    }
    let summary = &last["summary"];
    assert_eq!((&summary["incidents"], &summary["verified"]), (&2.into(), &2.into()));
    let count = |name: &str| summary[name].as_u64().unwrap();
    let accounted = count("received") - count("duplicated") + count("lost");
    assert_eq!(count("sent"), accounted, "{summary}");
    assert_eq!(demo.end().code(), Some(0));
}

#[test]
fn results_come_as_a_table_otherwise() {
    let mut demo = Process::start(&["demo", "--faults", "channel"]);
    demo.stdout.with("recovered after");
    demo.stdout.with("channel");
    demo.stdout.with("1 incidents, 1 recovered, 1 verified");
    assert_eq!(demo.end().code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn no_process_outlives_a_killed_demonstration() {
    for signal in [rustix::process::Signal::KILL, rustix::process::Signal::INT] {
        let mut demo = Process::start(&["demo", "--faults", "path"]);
        demo.stderr.with("cut the cable");
        let children = children(demo.id());
        assert_eq!(children.len(), 3, "{children:?}");
        demo.signal(signal);
        demo.end();
        let deadline = Instant::now() + LIMIT;
        while let Some(child) = children.iter().find(|child| is_running(child)) {
            assert!(Instant::now() < deadline, "{child} outlived the demonstration");
            std::thread::sleep(Duration::from_millis(10)); // the end of somebody else's child cannot be waited for
        }
    }
}

fn children(parent: u32) -> Vec<String> {
    let threads = std::fs::read_dir(format!("/proc/{parent}/task")).unwrap();
    let lists =
        threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// A process that has ended and that nobody has asked about is not running.
fn is_running(process: &str) -> bool {
    let status = std::fs::read_to_string(Path::new("/proc").join(process).join("stat"));
    status.is_ok_and(|status| !status.contains(") Z "))
}
