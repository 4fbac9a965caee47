//! Two connections on a machine without a network: this test runs itself again inside a network namespace.

use std::env;
use std::process::{Command, Output};

use crate::pair::Pair;
use crate::sending::echo;

/// Tells the inner run that it is inside.
const INSIDE: &str = "REJOIN_WEBRTC_TEST_INSIDE_NAMESPACE";

#[test]
fn connects_where_only_loopback_is_up() {
    in_namespace("connects_where_only_loopback_is_up", "ip link set lo up");
}

#[test]
fn connects_where_only_ipv6_loopback_is_up() {
    in_namespace(
        "connects_where_only_ipv6_loopback_is_up",
        "ip link set lo up && ip address del 127.0.0.1/8 dev lo",
    );
}

#[test]
fn connects_over_an_interface_that_leads_nowhere() {
    in_namespace(
        "connects_over_an_interface_that_leads_nowhere",
        "ip link set lo up && ip link add dummy0 type dummy && ip address add 192.0.2.9/24 dev dummy0 \
         && ip link set dummy0 up",
    );
}

/// Runs the named test again in a new network namespace that `prepare` has set up.
fn in_namespace(test: &str, prepare: &str) {
    if env::var_os(INSIDE).is_some() {
        connect();
        return;
    }
    let this = env::current_exe().expect("the test knows its own path");
    let script = format!("{prepare} || exit 77; exec \"$0\" --exact namespace::{test} --nocapture");
    let run = |unshare: &[&str]| -> Option<Output> {
        let (program, arguments) = unshare.split_first()?;
        let mut command = Command::new(program);
        command.args(arguments).args(["sh", "-c", &script]).arg(&this).env(INSIDE, "1").output().ok()
    };
    // Root needs no user namespace; anybody else gets one where the kernel allows it.
    let outcome = [&["unshare", "--net"][..], &["unshare", "--map-root-user", "--net"][..]]
        .into_iter()
        .filter_map(run)
        .find(|output| !refused(output));
    match outcome {
        Some(output) => assert!(output.status.success(), "{}", text(&output)),
        None => println!("SKIP {test}: this host allows no network namespace (unshare and ip are needed)"),
    }
}

/// Returns whether the namespace could not be made, as against the test in it having failed.
fn refused(output: &Output) -> bool {
    let by_unshare = output.status.code() == Some(1) && text(output).starts_with("unshare:");
    by_unshare || matches!(output.status.code(), Some(77 | 127))
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout))
}

fn connect() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut pair = Pair::open().await;
        echo(&mut pair).await;
    });
}
