//! On a machine that does not support a lab, tests and runs report that instead of passing silently.

use std::env;
use std::process::{Command, Output};

use rejoin_lab::parallel::SKIPPED;

/// Any test that needs a lab.
const TEST: &str = "programs::a_command_becomes_its_program";

#[test]
fn a_skipped_test_says_so_past_the_capture_of_output() {
    let output = without_tools("false");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains(&format!("SKIP: {TEST}: ")) && stderr.contains("install iproute2"), "{stderr}");
}

#[test]
fn continuous_integration_skips_nothing() {
    assert!(!without_tools("true").status.success());
}

#[test]
fn a_run_without_its_foreign_peer_says_what_is_missing() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rejoin-lab"));
    command.args(["run", "--scenario", "path-cut-10", "--peer-stack", "wrtc"]).env("PATH", "");
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        (output.status.code(), stderr.contains("there is no `node`")),
        (Some(SKIPPED), true),
        "{stderr}"
    );
}

/// Runs a test again where there are no tools.
fn without_tools(ci: &str) -> Output {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", TEST]).env("PATH", "").env("CI", ci);
    command.output().unwrap()
}
