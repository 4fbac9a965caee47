//! The STUN and TURN server.

use rejoin_lab::{Topology, sandbox};

use crate::fixture::{Fixture, output, quick};

#[test]
fn both_hosts_get_their_messages_relayed() {
    sandbox::test("turn::both_hosts_get_their_messages_relayed", || {
        let fixture = Fixture::build(&Topology { turn: true, ..quick() });
        assert_eq!(fixture.world.ice_server().as_deref(), Some("turn:rejoin:bridge@203.0.113.11:3478"));
        for host in [fixture.world.a(), fixture.world.b()] {
            // Two clients of this host send each other five messages through the server.
            let words = ["-y", "-c", "-n", "5", "-m", "1", "-u", "rejoin", "-w", "bridge", "turn.lab"];
            let printed = output(host, "turnutils_uclient", &words);
            assert!(printed.contains("Total lost packets 0"), "{printed}");
        }
    });
}
