//! Times and shares of what links carry.

use std::net::UdpSocket;
use std::time::Duration;

use rejoin_lab::probe::{Echo, ask};
use rejoin_lab::{Host, Plan, World, enclosure};

#[test]
fn every_round_trip_is_as_planned() {
    enclosure::test("delay::every_round_trip_is_as_planned", || {
        let rtt = Duration::from_millis(50);
        let world = World::build(&Plan { rtt, ..Plan::default() }).unwrap();
        let echo = Echo::start(world.signaling()).unwrap();
        for host in [world.a(), world.b()] {
            let socket = socket(host);
            ask(&socket, echo.udp, Duration::from_secs(3)).unwrap();
            let told = ask(&socket, echo.udp, Duration::from_secs(3)).unwrap();
            println!("{told:?}");
            assert!(told.rtt >= rtt && told.rtt < rtt + Duration::from_millis(20), "{told:?}");
        }
    });
}

fn socket(host: &Host) -> UdpSocket {
    host.within(|| UdpSocket::bind("0.0.0.0:0")).unwrap().unwrap()
}
