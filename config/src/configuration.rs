//! A complete configuration: policies, monitor, platform, servers and bounds.

use rejoin_core::{IceServer, NetworkMonitor, Platform, Policies};

use crate::choice::{Choice, QUESTIONS};
use crate::merged::Merged;
use crate::outbox::Outbox;
use crate::spare::Spare;
use crate::{ConfigError, Registry};

/// The keys beside the tables of the questions.
const SETTINGS: [&str; 5] = ["profile", "platform", "ice_servers", "outbox", "spare"];

/// A complete configuration, ready for a driver.
#[derive(Debug)]
pub struct Configuration {
    /// The name of the profile that it is based on, for display only: no code depends on it.
    pub profile: String,
    /// The chosen policies.
    pub policies: Policies,
    /// The chosen monitor, which has not opened anything yet.
    pub network: Box<dyn NetworkMonitor>,
    /// The platform whose limits and probes apply: the named one, or the one that rejoin runs on.
    pub platform: Platform,
    /// STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
    /// The bounds of the messages that are kept for a peer.
    pub outbox: Outbox,
    /// Whether a spare connection is kept with a peer.
    pub spare: Spare,
}

impl Configuration {
    /// Reads `merged`, or returns every error in it.
    pub(crate) fn read(
        merged: &Merged,
        registry: &Registry,
        profile: &str,
    ) -> Result<Self, Vec<ConfigError>> {
        let mut errors = unknown_keys(merged);
        let mut choice = Choice { merged, errors: &mut errors };
        let backoff = choice.make("backoff", &registry.backoff);
        let timeout = choice.make("timeout", &registry.timeout);
        let recovery = choice.make("recovery", &registry.recovery);
        let health = choice.make("health", &registry.health);
        let quality = choice.make("quality", &registry.quality);
        let network = choice.make("network", &registry.network);
        let platform = keep(platform(merged), &mut errors);
        let ice_servers = keep(ice_servers(merged), &mut errors);
        let outbox = keep(merged.read("outbox").map_err(|error| vec![error]), &mut errors);
        let outbox = outbox.map(Option::unwrap_or_default);
        let spare = keep(merged.read("spare").map_err(|error| vec![error]), &mut errors);
        let spare = spare.map(Option::unwrap_or_default);
        let complete = || {
            let policies = Policies {
                backoff: backoff?,
                timeout: timeout?,
                recovery: recovery?,
                health: health?,
                quality: quality?,
            };
            let profile = profile.to_owned();
            let (network, platform, ice_servers) = (network?, platform?, ice_servers?);
            let (outbox, spare) = (outbox?, spare?);
            Some(Self { profile, policies, network, platform, ice_servers, outbox, spare })
        };
        match complete() {
            Some(configuration) if errors.is_empty() => Ok(configuration),
            // What is missing has left its error.
            Some(_) | None => Err(errors),
        }
    }
}

fn unknown_keys(merged: &Merged) -> Vec<ConfigError> {
    let known = || QUESTIONS.iter().map(|question| question.table).chain(SETTINGS);
    let strange = merged.values().keys().filter(|key| !known().any(|known| known == key.as_str()));
    strange.map(|key| merged.unknown(key.clone(), known())).collect()
}

fn platform(merged: &Merged) -> Result<Platform, Vec<ConfigError>> {
    let named = merged.read("platform").map_err(|error| vec![error])?;
    Ok(named.unwrap_or_else(Platform::detect))
}

fn ice_servers(merged: &Merged) -> Result<Vec<IceServer>, Vec<ConfigError>> {
    let servers: Option<Vec<IceServer>> = merged.read("ice_servers").map_err(|error| vec![error])?;
    let servers = servers.unwrap_or_default();
    let problems = servers.iter().enumerate().filter_map(|(number, server)| {
        Some(merged.invalid(&format!("ice_servers.{number}"), problem(server)?))
    });
    let problems: Vec<_> = problems.collect();
    if problems.is_empty() { Ok(servers) } else { Err(problems) }
}

/// Returns what is wrong with `server` and what would be right.
fn problem(server: &IceServer) -> Option<&'static str> {
    let known =
        |url: &String| ["stun:", "stuns:", "turn:", "turns:"].iter().any(|scheme| url.starts_with(scheme));
    let anonymous = server.username.is_empty() || server.credential.is_empty();
    if server.urls.is_empty() {
        Some("urls is empty; give at least one, such as \"stun:example.org:3478\"")
    } else if !server.urls.iter().all(known) {
        Some("a url has no scheme that ICE knows; begin it with stun:, stuns:, turn: or turns:")
    } else if server.relays() && anonymous {
        Some("a TURN server needs username and credential; add both")
    } else {
        None
    }
}

/// Returns the value, or keeps what is wrong with it.
fn keep<T>(read: Result<T, Vec<ConfigError>>, errors: &mut Vec<ConfigError>) -> Option<T> {
    read.map_err(|wrong| errors.extend(wrong)).ok()
}
