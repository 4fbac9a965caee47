//! Converts a connection setup to the engine's settings.

use std::collections::BTreeSet;
use std::time::Duration;

use rejoin_core::port::ConnectionSetup;
use rejoin_core::{IceServer, IceTransportPolicy};
use rtc::ice::mdns::MulticastDnsMode;
use webrtc::peer_connection::{
    RTCConfiguration, RTCConfigurationBuilder, RTCIceServer, RTCIceTransportPolicy, SettingEngine,
    SettingEngineBuilder,
};

/// How often candidate pairs are checked; RFC 8445 section 14.2 wants 50 ms per check over all pairs.
///
/// The engine checks all pairs in one interval and nominates in the next, so the interval is part of every opening;
/// 20 ms makes it small beside a round trip over the internet.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// The minimum of checks of one pair; the engine's own 7 give a pair up after 160 ms at our interval.
const MIN_ATTEMPTS: u16 = 500;

/// A lone relay pair is selected only after this long, because the engine never changes a selection.
///
/// Long enough for a direct pair with two intercontinental round trips, short beside an opening over TURN.
const RELAY_WAIT: Duration = Duration::from_millis(500);

/// A server-reflexive pair waits this long for the host pair of a peer in the same network.
const SERVER_REFLEXIVE_WAIT: Duration = Duration::from_millis(100);

/// Keepalives per `disconnected` timeout: one may be lost, and one late, before the pair counts as silent.
const KEEPALIVES_PER_SILENCE: u32 = 4;

/// Keepalives per short timeout: a burst of loss takes several of them, and the answers distinguish a path that loses
/// packets from one that is dead.
const KEEPALIVES_PER_SHORT_SILENCE: u32 = 8;

/// The longest timeout that is short: a setup that detects silence so soon can afford the packets.
const SHORT_SILENCE: Duration = Duration::from_secs(2);

/// Bounds of the keepalive interval: the engine's own tick, and the interval of consent checks (RFC 7675 section 5.1),
/// which also refreshes the shortest bindings of NAT routers.
const KEEPALIVE_BOUNDS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// Returns the engine's settings for `setup`.
pub(crate) fn setting_engine(setup: &ConnectionSetup) -> SettingEngine {
    // No better pair can follow where only relays may be used.
    let relay_wait = match setup.ice_transport_policy {
        IceTransportPolicy::All => RELAY_WAIT,
        IceTransportPolicy::Relay => Duration::ZERO,
    };
    SettingEngineBuilder::new()
        // Without this an ICE restart gathers nothing new, so it could not follow a change of network.
        .with_discard_local_candidates_during_ice_restart(true)
        // A query socket that cannot join the group (no multicast address) would fail the whole connection.
        // Browsers with `.local` candidates still reach us, as peer-reflexive candidates.
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_ice_timeouts(
            Some(setup.ice_disconnected_timeout),
            Some(failed_timeout(setup)),
            Some(keepalive(setup.ice_disconnected_timeout)),
        )
        .with_ice_connection_attempts(Some(CHECK_INTERVAL), Some(attempts(setup.ice_checking_timeout)))
        .with_prflx_acceptance_min_wait(Some(Duration::ZERO))
        .with_srflx_acceptance_min_wait(Some(SERVER_REFLEXIVE_WAIT))
        .with_relay_acceptance_min_wait(Some(relay_wait))
        .build()
}

/// Returns the engine's configuration: servers and policy.
pub(crate) fn configuration(servers: &[IceServer], policy: IceTransportPolicy) -> RTCConfiguration {
    RTCConfigurationBuilder::default()
        .with_ice_servers(servers.iter().map(ice_server).chain(stun_of_turn(servers)).collect())
        .with_ice_transport_policy(match policy {
            IceTransportPolicy::All => RTCIceTransportPolicy::All,
            IceTransportPolicy::Relay => RTCIceTransportPolicy::Relay,
        })
        .build()
}

fn ice_server(server: &IceServer) -> RTCIceServer {
    RTCIceServer {
        urls: server.urls.clone(),
        username: server.username.clone(),
        credential: server.credential.clone(),
    }
}

/// Returns the TURN servers over UDP as STUN servers, unless they are listed as such.
///
/// Every TURN server answers STUN too (RFC 8656 section 2), and browsers read their own address from its answer to
/// an allocation; the engine does not, and two peers that know only a relay would never connect directly.
fn stun_of_turn(servers: &[IceServer]) -> Option<RTCIceServer> {
    let listed = || servers.iter().flat_map(|server| &server.urls);
    let over_udp = listed().filter_map(|url| {
        let relay = url.strip_prefix("turn:")?;
        let (place, transport) = relay.split_once('?').unwrap_or((relay, ""));
        matches!(transport, "" | "transport=udp").then(|| format!("stun:{place}"))
    });
    let urls: BTreeSet<String> = over_udp.filter(|url| !listed().any(|known| known == url)).collect();
    let server = RTCIceServer { urls: urls.into_iter().collect(), ..RTCIceServer::default() };
    (!server.urls.is_empty()).then_some(server)
}

/// Returns the engine's time from `disconnected` to `failed`.
///
/// The engine also gives up checking after both of its timeouts together, so it gets the longer one; the
/// [`IceMonitor`](crate::ice::IceMonitor) has the shorter one.
fn failed_timeout(setup: &ConnectionSetup) -> Duration {
    setup.ice_failed_timeout.max(setup.ice_checking_timeout.saturating_sub(setup.ice_disconnected_timeout))
}

fn keepalive(silence: Duration) -> Duration {
    let (least, most) = KEEPALIVE_BOUNDS;
    let keepalives =
        if silence > SHORT_SILENCE { KEEPALIVES_PER_SILENCE } else { KEEPALIVES_PER_SHORT_SILENCE };
    (silence / keepalives).clamp(least, most)
}

/// Returns how often a pair is checked: twice what `checking` needs, because each new candidate adds a round.
fn attempts(checking: Duration) -> u16 {
    let rounds = 2 * checking.as_millis() / CHECK_INTERVAL.as_millis();
    u16::try_from(rounds).unwrap_or(u16::MAX).max(MIN_ATTEMPTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_turn_credentials_on() {
        let server = IceServer {
            urls: vec!["turn:relay.example:3478?transport=udp".to_owned(), "turns:relay.example".to_owned()],
            username: "user".to_owned(),
            credential: "secret".to_owned(),
        };
        let configuration = configuration(&[server], IceTransportPolicy::Relay);
        let mapped = &configuration.ice_servers()[0];
        assert_eq!(mapped.urls, ["turn:relay.example:3478?transport=udp", "turns:relay.example"]);
        assert_eq!((mapped.username.as_str(), mapped.credential.as_str()), ("user", "secret"));
        assert_eq!(configuration.ice_transport_policy(), RTCIceTransportPolicy::Relay);
    }

    #[test]
    fn adds_turn_servers_over_udp_as_stun_servers() {
        let urls = ["turn:a.example:3478?transport=udp", "turn:b.example", "turn:c.example?transport=tcp"];
        let relays = IceServer { urls: urls.map(str::to_owned).to_vec(), ..IceServer::default() };
        let known = IceServer { urls: vec!["stun:b.example".to_owned()], ..IceServer::default() };
        let configuration = configuration(&[relays, known], IceTransportPolicy::All);
        let added = &configuration.ice_servers()[2];
        assert_eq!(added.urls, ["stun:a.example:3478"]);
    }

    #[test]
    fn leaves_the_credentials_of_stun_empty() {
        let server = IceServer { urls: vec!["stun:stun.example".to_owned()], ..IceServer::default() };
        let configuration = configuration(&[server], IceTransportPolicy::All);
        let mapped = &configuration.ice_servers()[0];
        assert!(mapped.username.is_empty() && mapped.credential.is_empty());
        assert_eq!(configuration.ice_transport_policy(), RTCIceTransportPolicy::All);
    }

    #[test]
    fn keepalives_stay_within_bounds() {
        assert_eq!(keepalive(Duration::from_millis(400)), Duration::from_millis(200));
        assert_eq!(keepalive(Duration::from_secs(2)), Duration::from_millis(250));
        assert_eq!(keepalive(Duration::from_secs(4)), Duration::from_secs(1));
        assert_eq!(keepalive(Duration::from_secs(60)), Duration::from_secs(5));
    }

    #[test]
    fn attempts_cover_the_checking_timeout() {
        assert_eq!(attempts(Duration::from_secs(1)), MIN_ATTEMPTS);
        assert_eq!(attempts(Duration::from_secs(30)), 3000);
        assert_eq!(attempts(Duration::MAX), u16::MAX);
    }
}
