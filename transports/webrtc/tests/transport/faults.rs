//! Injected faults: blocked datagrams and closed channels.

use std::time::{Duration, Instant};

use rejoin_core::IceConnectionState;
use rejoin_core::port::{PeerAction, PeerEvent};

use crate::pair::{Pair, Side, setup, setup_with};
use crate::sending::echo;

#[tokio::test]
async fn blocked_datagrams_disconnect_both_sides_until_unblocked() {
    const SILENCE: Duration = Duration::from_secs(1);
    let mut pair = Pair::new();
    pair.create(|role| {
        setup_with(role, |setup| {
            setup.ice_disconnected_timeout = SILENCE;
        })
    });
    pair.until_open().await;
    let faults = pair.answerer.faults();

    faults.block_datagrams();
    let start = Instant::now();
    pair.until_each(|event| *event == PeerEvent::IceConnectionState(IceConnectionState::Disconnected)).await;
    let noticed = start.elapsed();
    // The agent looks every 200 ms; the rest is slack for a busy machine.
    assert!(
        noticed >= SILENCE / 2 && noticed < SILENCE + Duration::from_secs(3),
        "noticed after {noticed:?}"
    );

    faults.unblock_datagrams();
    pair.until_each(|event| *event == PeerEvent::IceConnectionState(IceConnectionState::Connected)).await;
    echo(&mut pair).await;
}

#[tokio::test]
async fn a_silent_pair_fails_after_the_failed_timeout() {
    let mut pair = Pair::new();
    // The checking time is long, and must not stretch the failure time of an open connection.
    pair.create(|role| {
        setup_with(role, |setup| {
            setup.ice_disconnected_timeout = Duration::from_millis(600);
            setup.ice_failed_timeout = Duration::from_millis(600);
        })
    });
    pair.until_open().await;
    pair.answerer.faults().block_datagrams();
    let start = Instant::now();
    pair.until_each(|event| *event == PeerEvent::IceConnectionState(IceConnectionState::Failed)).await;
    assert!(start.elapsed() < Duration::from_secs(10), "failed after {:?}", start.elapsed());
}

#[tokio::test]
async fn a_closed_channel_is_reported_on_both_sides() {
    let mut pair = Pair::open().await;
    echo(&mut pair).await;
    pair.offerer.faults().close_channels();
    pair.until_each(|event| *event == PeerEvent::ChannelClosed).await;
    pair.send(Side::Offerer, 3, "too late");
    pair.until(|side, event| side == Side::Offerer && matches!(event, PeerEvent::Unsent { tag: 3, .. }))
        .await;
}

#[tokio::test]
async fn statistics_show_the_round_trip_and_the_traffic() {
    let mut pair = Pair::open().await;
    echo(&mut pair).await;
    let mut sample = None;
    // The round trip is known after the first answered check of the selected pair.
    while sample.is_none() {
        pair.perform(Side::Offerer, PeerAction::ReadStats);
        pair.until(|_, event| match event {
            PeerEvent::Stats(reading) => {
                sample = Some(*reading).filter(|reading| reading.rtt.is_some());
                true
            }
            _ => false,
        })
        .await;
    }
    let sample = sample.expect("read");
    assert!(sample.rtt.is_some_and(|rtt| rtt < Duration::from_secs(1)), "{sample:?}");
    assert!(sample.packets_received > 0 && sample.bytes_received > 0 && sample.bytes_sent > 0, "{sample:?}");
    assert_eq!((sample.probes_sent, sample.probes_answered), (0, 0));
}

#[tokio::test]
async fn statistics_of_a_new_connection_are_zero() {
    let mut pair = Pair::new();
    pair.create(setup);
    pair.perform(Side::Answerer, PeerAction::ReadStats);
    pair.until(|side, event| match (side, event) {
        (Side::Answerer, PeerEvent::Stats(sample)) => {
            assert_eq!((sample.rtt, sample.bytes_received, sample.bytes_outstanding), (None, 0, 0));
            true
        }
        _ => false,
    })
    .await;
}

#[tokio::test]
async fn unacknowledged_bytes_are_outstanding() {
    let mut pair = Pair::open().await;
    echo(&mut pair).await;
    pair.offerer.faults().block_datagrams();
    pair.send(Side::Offerer, 1, &"x".repeat(10_000));
    pair.perform(Side::Offerer, PeerAction::ReadStats);
    pair.until(|_, event| match event {
        PeerEvent::Stats(sample) => {
            assert!(sample.bytes_outstanding >= 10_000, "{sample:?}");
            true
        }
        _ => false,
    })
    .await;
}
