//! Hosts without a network, and networks that change: each test runs itself again in a network namespace.

use std::env;
use std::future::Future;
use std::process::{Command, Output};

use rejoin_core::port::{PeerAction, PeerEvent};
use rejoin_core::{IceConnectionState, IceTransportPolicy};

use crate::pair::{Pair, Side, setup_with};
use crate::sending::echo;

/// Set in the inner run.
const INSIDE: &str = "REJOIN_WEBRTC_TEST_INSIDE_NAMESPACE";

/// An interface with an address, up, whose other end is in the same namespace.
const INTERFACE: &str = "ip link set lo up && ip link add uplink type veth peer name far \
                         && ip link set far up && ip address add 192.0.2.9/24 dev uplink && ip link set uplink up";

#[test]
fn connects_while_only_loopback_is_up() {
    in_namespace("connects_while_only_loopback_is_up", "ip link set lo up", async {
        echo(&mut Pair::open().await).await;
    });
}

#[test]
fn connects_while_only_ipv6_loopback_is_up() {
    let prepare = "ip link set lo up && ip address del 127.0.0.1/8 dev lo";
    in_namespace("connects_while_only_ipv6_loopback_is_up", prepare, async {
        echo(&mut Pair::open().await).await;
    });
}

#[test]
fn connects_over_an_interface_without_a_route() {
    in_namespace("connects_over_an_interface_without_a_route", INTERFACE, async {
        echo(&mut Pair::open().await).await;
    });
}

#[test]
fn a_restart_follows_a_change_of_address() {
    in_namespace("a_restart_follows_a_change_of_address", INTERFACE, async {
        let mut pair = Pair::open().await;
        echo(&mut pair).await;
        ip("address del 192.0.2.9/24 dev uplink");
        ip("address add 198.51.100.9/24 dev uplink");
        restart(&mut pair).await;
        echo(&mut pair).await;
    });
}

#[test]
fn a_restart_falls_back_to_loopback_and_returns() {
    in_namespace("a_restart_falls_back_to_loopback_and_returns", INTERFACE, async {
        let mut pair = Pair::open().await;
        ip("address flush dev uplink");
        ip("link set uplink down");
        restart(&mut pair).await;
        echo(&mut pair).await;
        ip("link set uplink up");
        ip("address add 198.51.100.9/24 dev uplink");
        restart(&mut pair).await;
        echo(&mut pair).await;
    });
}

#[test]
fn a_restart_fails_without_its_bound_address() {
    in_namespace("a_restart_fails_without_its_bound_address", INTERFACE, async {
        let mut pair = Pair::new();
        pair.create(|role| setup_with(role, |setup| setup.bind = vec!["192.0.2.9:0".to_owned()]));
        pair.until_open().await;
        ip("address del 192.0.2.9/24 dev uplink");
        pair.perform(Side::Offerer, PeerAction::RestartIce(IceTransportPolicy::All));
        // The answerer binds again too, and may be the first to fail.
        pair.until(|_, event| match event {
            PeerEvent::Failed { reason } => {
                assert!(reason.contains("no address could be bound"), "{reason}");
                true
            }
            _ => false,
        })
        .await;
    });
}

async fn restart(pair: &mut Pair) {
    pair.perform(Side::Offerer, PeerAction::RestartIce(IceTransportPolicy::All));
    pair.until_each(|event| *event == PeerEvent::IceConnectionState(IceConnectionState::Connected)).await;
}

fn ip(arguments: &str) {
    let done = Command::new("ip").args(arguments.split(' ')).status();
    assert!(done.is_ok_and(|status| status.success()), "ip {arguments}");
}

/// Runs the named test again in a new network namespace that `prepare` has set up, where `inside` then runs.
#[allow(clippy::print_stdout)]
fn in_namespace(test: &str, prepare: &str, inside: impl Future<Output = ()>) {
    if env::var_os(INSIDE).is_some() {
        return tokio::runtime::Runtime::new().expect("a runtime").block_on(inside);
    }
    let this = env::current_exe().expect("the test knows its own path");
    let script = format!("{{ {prepare}; }} || exit 77; exec \"$0\" --exact namespace::{test} --nocapture");
    let run = |unshare: &[&str]| -> Result<Output, String> {
        let mut command = Command::new("unshare");
        command.args(unshare).args(["sh", "-c", &script]).arg(&this).env(INSIDE, "1");
        command.output().map_err(|error| format!("unshare: {error}"))
    };
    // Root needs no user namespace; other users get one where the kernel allows it.
    let mut refusals = Vec::new();
    for unshare in [&["--net"][..], &["--map-root-user", "--net"][..]] {
        match run(unshare) {
            Ok(output) if refused(&output) => refusals.push(text(&output)),
            Ok(output) => return assert!(output.status.success(), "{}", text(&output)),
            Err(refusal) => refusals.push(refusal),
        }
    }
    println!("SKIP {test}: cannot make a namespace here: {}", refusals.join("; ").replace('\n', " "));
}

/// Returns whether the namespace could not be made or set up; a failed test in it is another matter.
fn refused(output: &Output) -> bool {
    let by_unshare = output.status.code() == Some(1) && text(output).starts_with("unshare:");
    by_unshare || matches!(output.status.code(), Some(77 | 127))
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout))
}
