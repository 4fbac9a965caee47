//! The STUN and TURN server.

use rejoin_lab::{Plan, enclosure};

use crate::stage::{Stage, output, quick};

#[test]
fn both_hosts_get_their_messages_relayed() {
    enclosure::test("turn::both_hosts_get_their_messages_relayed", || {
        let stage = Stage::build(&Plan { turn: true, ..quick() });
        assert_eq!(stage.world.ice_server().as_deref(), Some("turn:rejoin:bridge@203.0.113.11:3478"));
        for host in [stage.world.a(), stage.world.b()] {
            // Two clients of this host send each other five messages through the server.
            let words = ["-y", "-c", "-n", "5", "-m", "1", "-u", "rejoin", "-w", "bridge", "turn.lab"];
            let told = output(host, "turnutils_uclient", &words);
            assert!(told.contains("Total lost packets 0"), "{told}");
        }
    });
}
