//! Two shells through `rejoin serve`, in a network namespace whose UDP can be cut: what outlives what.
//!
//! Needs `unshare` and `nft` and the right to make a namespace; says SKIP and why where one is missing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod shell;
mod world;

use std::time::Duration;

use serde_json::json;

use crate::shell::{Shell, is_peer_event, numbers};
use crate::world::World;

const PUBLISHER: &str = "00000000000000000000000000000001";
const VIEWER: &str = "00000000000000000000000000000002";

/// A peer link is up and verified within this, on a busy machine too.
const SOON: Duration = Duration::from_secs(40);

#[test]
fn two_shells_outlive_a_killed_server_a_cut_path_and_a_killed_publisher() {
    let Some(mut world) =
        World::enter("two_shells_outlive_a_killed_server_a_cut_path_and_a_killed_publisher")
    else {
        return;
    };
    let server = world.serve();
    let mut publisher = world.publish(PUBLISHER);
    let mut viewer = world.view(VIEWER);
    for shell in [&publisher, &viewer] {
        shell.wait(SOON, "the first connection", |event| event["event"] == "connected");
        shell.count_aloud();
    }
    both_ways(&publisher, &viewer);

    // the server is gone for 20 s: data flows, nothing is torn down, nothing arrives twice
    let (before_publisher, before_viewer) = (publisher.mark(), viewer.mark());
    server.kill();
    for _ in 0..10 {
        // each window of 2 s must carry data both ways, so this is the passing of time itself
        let (heard, seen) = (publisher.mark(), viewer.mark());
        std::thread::sleep(Duration::from_secs(2)); // the outage lasts 20 s by the test's definition
        assert!(!numbers(&publisher.since(heard)).is_empty(), "nothing reached the publisher for 2 s");
        assert!(!numbers(&viewer.since(seen)).is_empty(), "nothing reached the viewer for 2 s");
    }
    let _server = world.serve();
    for (shell, mark) in [(&publisher, before_publisher), (&viewer, before_viewer)] {
        shell.wait_since(mark, SOON, "signaling to recover", |event| {
            event["event"] == "recovered" && event["link"]["kind"] == "signaling"
        });
    }
    both_ways(&publisher, &viewer);
    for (shell, mark) in [(&publisher, before_publisher), (&viewer, before_viewer)] {
        let touched: Vec<_> = shell.since(mark).into_iter().filter(is_peer_event).collect();
        assert!(touched.is_empty(), "the peer link was touched: {touched:?}");
        nothing_lost_or_twice(shell);
    }

    // every UUID has changed; the path is cut for 12 s and still recovers
    let (before_publisher, before_viewer) = (publisher.mark(), viewer.mark());
    world.cut_udp();
    std::thread::sleep(Duration::from_secs(12)); // the cut lasts 12 s by the test's definition
    world.heal_udp();
    for (shell, mark) in [(&publisher, before_publisher), (&viewer, before_viewer)] {
        shell.wait_since(mark, SOON, "the peer to recover from the cut", |event| {
            event["event"] == "recovered" && event["link"]["kind"] == "peer"
        });
    }
    both_ways(&publisher, &viewer);
    for shell in [&publisher, &viewer] {
        nothing_lost_or_twice(shell);
    }

    // the publisher is killed and comes back: the viewer is back without a human
    let before = viewer.mark();
    publisher.kill();
    publisher = world.publish(PUBLISHER);
    let back = viewer.wait_since(before, SOON, "the publisher to be back", |event| {
        event["event"] == "recovered" && event["link"]["kind"] == "peer"
    });
    assert_eq!(back["peer"]["identity"], json!(PUBLISHER));
    publisher.wait(SOON, "the viewer", |event| event["event"] == "connected");
    publisher.count_aloud();
    both_ways(&publisher, &viewer);

    // leaving is polite
    let before = viewer.mark();
    publisher.interrupt();
    assert!(publisher.ends(SOON), "the publisher did not leave with exit code 0");
    viewer.wait_since(before, SOON, "the goodbye", |event| {
        event["event"] == "interrupted" && event["fault"] == "peer_left"
    });
    viewer.interrupt();
    assert!(viewer.ends(SOON), "the viewer did not leave with exit code 0");
}

/// Everything that the other side said from the first connection on has arrived once and in order.
fn nothing_lost_or_twice(shell: &Shell) {
    let heard = numbers(&shell.since(0));
    let complete: Vec<u64> = (1..=heard.len() as u64).collect();
    assert_eq!(heard, complete);
}

/// Waits until new data has arrived on both sides.
fn both_ways(publisher: &Shell, viewer: &Shell) {
    for shell in [publisher, viewer] {
        let mark = shell.mark();
        shell.wait_since(mark, SOON, "data", |event| event["event"] == "received");
    }
}
