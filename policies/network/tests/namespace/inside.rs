//! Runs a test again inside a network namespace.

use std::env;
use std::future::Future;
use std::process::{Command, Output};

use tokio::runtime::Builder;

/// Marks the inner run.
const INSIDE: &str = "REJOIN_NETWORK_TEST_INSIDE_NAMESPACE";

/// Runs `body` in a new network namespace, by running the test called `name` again; prints the reason if that is impossible.
pub(crate) fn inside(name: &str, body: impl Future<Output = ()>) {
    if env::var_os(INSIDE).is_some() {
        return Builder::new_current_thread().enable_all().build().unwrap().block_on(body);
    }
    let Some(namespace) = possible() else {
        println!(
            "SKIP: {name}: neither root nor unprivileged user namespaces, or no iproute2 and util-linux"
        );
        return;
    };
    let output = Command::new("unshare")
        .arg(namespace)
        .arg(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    println!("{}", text(&output));
    assert!(output.status.success(), "{name} failed inside its namespace");
}

/// Returns the option of unshare that makes a network namespace here: root needs no user namespace.
fn possible() -> Option<&'static str> {
    ["-n", "-rn"].into_iter().find(|option| {
        let probe = Command::new("unshare").args([option, "ip", "link", "set", "lo", "up"]).output();
        probe.is_ok_and(|output| output.status.success())
    })
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), output.stderr.as_slice()].concat()).into_owned()
}
