//! The rules of a router in the syntax of `nft`.

use std::net::IpAddr;

use crate::address::Interface;
use crate::fault::{Block, Traffic, Verdict, Way};
use crate::topology::Nat;

/// Writes all rules of a router, as one transaction that replaces those before.
pub(super) fn render(nat: Nat, rebinds: u16, opposite: &[Interface], blocks: &[Block]) -> String {
    let mut rules = String::new();
    let mut line = |text: &str| {
        rules += text;
        rules.push('\n');
    };
    // `delete` fails for a table that does not exist, so it is added first.
    line("add table inet lab");
    line("delete table inet lab");
    line("add table inet lab");
    // Without this an early packet of the peer creates a conntrack entry that occupies the port of the hole punching.
    line("add chain inet lab input { type filter hook input priority 0; }");
    line("add rule inet lab input iifname \"wan\" meta l4proto { tcp, udp } ct state new drop");
    line("add chain inet lab forward { type filter hook forward priority 0; }");
    line("add rule inet lab forward iifname \"wan\" ct state new drop");
    line("add chain inet lab fault { type filter hook forward priority 10; }");
    for block in blocks {
        for (pattern, transport) in patterns(&block.traffic, opposite) {
            for pattern in pattern.towards(block.way) {
                line(&format!("add rule inet lab fault {pattern} {}", action(block.verdict, transport)));
            }
        }
    }
    line("add chain inet lab translate { type nat hook postrouting priority 100; }");
    for rule in translations(nat, rebinds) {
        line(&format!("add rule inet lab translate oifname \"wan\" {rule}"));
    }
    rules
}

/// The transport protocol that a rule matches, on which its possible verdicts depend.
#[derive(Clone, Copy)]
enum Transport {
    Udp,
    Tcp,
    Any,
}

/// What matches some traffic, by its direction.
struct Pattern {
    out: String,
    into: String,
}

impl Pattern {
    fn towards(self, way: Way) -> Vec<String> {
        match way {
            Way::Both => vec![self.out, self.into],
            Way::In => vec![self.into],
            Way::Out => vec![self.out],
        }
    }
}

/// Returns what matches the traffic.
fn patterns(traffic: &Traffic, opposite: &[Interface]) -> Vec<(Pattern, Transport)> {
    match traffic {
        Traffic::Udp(ports) => vec![(transport("udp", ports), Transport::Udp)],
        Traffic::Tcp(ports) => vec![(transport("tcp", ports), Transport::Tcp)],
        Traffic::Direct => opposite
            .iter()
            .map(|interface| {
                let family = match interface.address {
                    IpAddr::V4(_) => "ip",
                    IpAddr::V6(_) => "ip6",
                };
                let out = format!("iifname \"lan\" {family} daddr {interface}");
                let into = format!("iifname \"wan\" {family} saddr {interface}");
                (Pattern { out, into }, Transport::Any)
            })
            .collect(),
    }
}

fn transport(protocol: &str, ports: &[u16]) -> Pattern {
    let list = ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let matching = |interface, end| match ports {
        [] => format!("iifname \"{interface}\" meta l4proto {protocol}"),
        [..] => format!("iifname \"{interface}\" {protocol} {end} {{ {list} }}"),
    };
    Pattern { out: matching("lan", "dport"), into: matching("wan", "sport") }
}

fn action(verdict: Verdict, transport: Transport) -> &'static str {
    match (verdict, transport) {
        (Verdict::Drop, Transport::Udp | Transport::Tcp | Transport::Any) => "drop",
        (Verdict::Reset, Transport::Tcp) => "reject with tcp reset",
        (Verdict::Reset, Transport::Udp | Transport::Any)
        | (Verdict::Reject, Transport::Udp | Transport::Tcp | Transport::Any) => {
            "reject with icmpx type port-unreachable"
        }
    }
}

/// Returns the rules that translate, the most special first.
///
/// A router that preserves ports would create the same translation again, so each rebinding uses other ports.
fn translations(nat: Nat, rebinds: u16) -> Vec<String> {
    match (nat, rebinds) {
        (Nat::Routed, _) => Vec::new(),
        (Nat::Symmetric, _) => vec!["masquerade fully-random".to_owned()],
        (Nat::PortPreserving, 0) => vec!["masquerade".to_owned()],
        (Nat::PortPreserving, _) => {
            let first = FIRST_RANGE + (rebinds - 1) % RANGES * RANGE;
            let ports = format!("masquerade to :{first}-{}", first + RANGE - 1);
            vec![format!("meta l4proto {{ tcp, udp }} {ports}"), "masquerade".to_owned()]
        }
    }
}

/// Below the ports that Linux takes by itself (32768 and up), so that a rebound port is never the old one.
const FIRST_RANGE: u16 = 10_000;
const RANGE: u16 = 1_000;
const RANGES: u16 = 20;
