//! The configuration is applied as a whole.

use rejoin_config::{Outbox, Spare};

use super::*;

#[tokio::test]
async fn every_key_of_the_configuration_is_applied() {
    let session = connect("ws://host").configuration(unusual()).build().unwrap();
    let (settings, shown) = (session.settings().clone(), format!("{session:?}"));

    // Without `..`, so that a new key fails to compile until it is checked here.
    let Configuration { profile, policies, network, platform, ice_servers, outbox, spare } = unusual();
    let Policies { backoff, timeout, recovery, health, quality } = policies;
    let Outbox { messages, bytes, when_full } = outbox;
    let Spare { keep } = spare;
    // The profile is a name for people; its content is in the other keys.
    assert_eq!(profile, "conservative");
    let parts = [
        format!("backoff: {backoff:?}"),
        format!("timeout: {timeout:?}"),
        format!("recovery: {recovery:?}"),
        format!("health: {health:?}"),
        format!("quality: {quality:?}"),
        format!("network: Some({network:?})"),
    ];
    for part in parts {
        assert!(shown.contains(&part), "{part} is not in {shown}");
    }
    assert_eq!((settings.platform, settings.ice_servers), (platform, ice_servers));
    assert_eq!(
        (settings.held_messages, settings.held_bytes),
        (messages.get() as usize, bytes.get() as usize)
    );
    assert_eq!((settings.when_full, settings.spares), (when_full, keep));
}

#[test]
fn the_configuration_of_the_test_differs_from_the_default_in_every_key() {
    let default = Loader::new(Registry::builtin()).load().unwrap();
    let Configuration { profile, policies, network, platform, ice_servers, outbox, spare } = unusual();
    let Policies { backoff, timeout, recovery, health, quality } = policies;
    let Outbox { messages, bytes, when_full } = outbox;
    let Spare { keep } = spare;
    let shown = |part: &dyn std::fmt::Debug| format!("{part:?}");
    assert_ne!(profile, default.profile);
    assert_ne!(shown(&backoff), shown(&default.policies.backoff));
    assert_ne!(shown(&timeout), shown(&default.policies.timeout));
    assert_ne!(shown(&recovery), shown(&default.policies.recovery));
    assert_ne!(shown(&health), shown(&default.policies.health));
    assert_ne!(shown(&quality), shown(&default.policies.quality));
    assert_ne!(shown(&network), shown(&default.network));
    assert_ne!((platform, ice_servers), (default.platform, default.ice_servers));
    assert_ne!(messages, default.outbox.messages);
    assert_ne!(bytes, default.outbox.bytes);
    assert_ne!(when_full, default.outbox.when_full);
    assert_ne!(keep, default.spare.keep);
}

#[tokio::test]
async fn the_first_profile_applies_without_a_configuration() {
    let session = connect("ws://host").build().unwrap();
    let default = Loader::new(Registry::builtin()).load().unwrap();
    assert_eq!(session.settings().held_messages, default.outbox.messages.get() as usize);
    assert!(format!("{session:?}").contains(&format!("recovery: {:?}", default.policies.recovery)));
}

#[tokio::test]
async fn own_policies_replace_those_of_the_configuration_only() {
    let policies = Loader::new(Registry::builtin()).profile("vdo-ninja").load().unwrap().policies;
    let expected = format!("policies: Some({policies:?})");
    let session = connect("ws://host").policies(policies).profile("aggressive").unwrap().build().unwrap();
    assert!(format!("{session:?}").contains(&expected));
    assert_eq!(session.settings().held_messages, 16_384);
}

#[test]
fn an_unknown_profile_is_an_error() {
    let error = connect("ws://host").profile("agressive").err().unwrap();
    assert!(error.to_string().contains("did you mean \"aggressive\""), "{error}");
}

/// A configuration that differs from the default in every key.
fn unusual() -> Configuration {
    let settings = [
        "platform=ios",
        "ice_servers=[{ urls = [\"stun:stun.example.org:3478\"] }]",
        "backoff.use=constant",
        "timeout.fixed.gathering=1234ms",
        "recovery.use=rebuild",
        "health.use=ping",
        "quality.use=off",
        "network.use=fixed",
        "outbox.messages=11",
        "outbox.bytes=2222",
        "outbox.when_full=refuse",
        "spare.keep=other_uplink",
    ];
    let loader = Loader::new(Registry::builtin()).profile("conservative");
    settings.into_iter().fold(loader, |loader, setting| loader.set(setting)).load().unwrap()
}
