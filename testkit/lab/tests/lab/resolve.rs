//! Names, and name servers that fail.

use rejoin_lab::{DnsFailure, Family, Fault, Host, Nat, Side, Topology, sandbox};

use crate::fixture::{Fixture, quick};

#[test]
fn programs_find_the_servers_by_name() {
    sandbox::test("resolve::programs_find_the_servers_by_name", || {
        let fixture = Fixture::build(&quick());
        for host in [fixture.world.a(), fixture.world.b()] {
            assert_eq!(looked_up(host).as_deref(), Some("203.0.113.10"));
        }
    });
}

#[test]
fn programs_find_the_servers_over_ipv6() {
    sandbox::test("resolve::programs_find_the_servers_over_ipv6", || {
        let fixture = Fixture::build(&Topology { family: Family::V6, nat: Nat::Routed, ..quick() });
        assert_eq!(looked_up(fixture.world.a()).as_deref(), Some("2001:db8::a"));
    });
}

#[test]
fn a_failing_name_server_fails_one_side_only() {
    sandbox::test("resolve::a_failing_name_server_fails_one_side_only", || {
        let mut fixture = Fixture::build(&quick());
        for (failure, answer) in [
            (DnsFailure::Silence, None),
            (DnsFailure::ServerFailure, None),
            (DnsFailure::NoSuchName, None),
            (DnsFailure::Refused, None),
            (DnsFailure::WrongAddress, Some("203.0.113.99")),
        ] {
            let fault = Fault::DnsFailure(Side::A, failure);
            fixture.world.inject(&fault).unwrap();
            assert_eq!(looked_up(fixture.world.a()).as_deref(), answer, "{failure:?}");
            assert_eq!(looked_up(fixture.world.b()).as_deref(), Some("203.0.113.10"), "{failure:?}");
            fixture.world.heal(&fault).unwrap();
            assert_eq!(looked_up(fixture.world.a()).as_deref(), Some("203.0.113.10"), "{failure:?}");
        }
    });
}

/// The address that a program on `host` gets for the signaling server.
fn looked_up(host: &Host) -> Option<String> {
    let output = host.command("getent").args(["ahosts", "signaling.lab"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().next().map(str::to_owned)
}
