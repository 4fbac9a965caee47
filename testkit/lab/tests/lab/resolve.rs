//! Names, and name servers that fail.

use rejoin_lab::{DnsFailure, Family, Fault, Host, Nat, Plan, Side, enclosure};

use crate::stage::{Stage, quick};

#[test]
fn programs_find_the_servers_by_name() {
    enclosure::test("resolve::programs_find_the_servers_by_name", || {
        let stage = Stage::build(&quick());
        for host in [stage.world.a(), stage.world.b()] {
            assert_eq!(looked_up(host).as_deref(), Some("203.0.113.10"));
        }
    });
}

#[test]
fn programs_find_the_servers_over_ipv6() {
    enclosure::test("resolve::programs_find_the_servers_over_ipv6", || {
        let stage = Stage::build(&Plan { family: Family::V6, nat: Nat::Routed, ..quick() });
        assert_eq!(looked_up(stage.world.a()).as_deref(), Some("2001:db8::a"));
    });
}

#[test]
fn a_failing_name_server_fails_one_side_only() {
    enclosure::test("resolve::a_failing_name_server_fails_one_side_only", || {
        let mut stage = Stage::build(&quick());
        for (failure, answer) in [
            (DnsFailure::Silence, None),
            (DnsFailure::ServerFailure, None),
            (DnsFailure::NoSuchName, None),
            (DnsFailure::Refused, None),
            (DnsFailure::WrongAddress, Some("203.0.113.99")),
        ] {
            let fault = Fault::DnsFailure(Side::A, failure);
            stage.world.inject(&fault).unwrap();
            assert_eq!(looked_up(stage.world.a()).as_deref(), answer, "{failure:?}");
            assert_eq!(looked_up(stage.world.b()).as_deref(), Some("203.0.113.10"), "{failure:?}");
            stage.world.heal(&fault).unwrap();
            assert_eq!(looked_up(stage.world.a()).as_deref(), Some("203.0.113.10"), "{failure:?}");
        }
    });
}

/// The address that a program on `host` gets for the signaling server.
fn looked_up(host: &Host) -> Option<String> {
    let output = host.command("getent").args(["ahosts", "signaling.lab"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().next().map(str::to_owned)
}
