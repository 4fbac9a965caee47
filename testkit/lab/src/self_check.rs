//! Measures that an emulated link delays and loses frames as configured, before a run relies on it.

use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::LabError;
use crate::impairment::{Impairment, Loss};
use crate::link::{Carrier, End, Link};
use crate::namespace::Namespace;
use crate::tool;
use crate::uplink::Power;

/// Sends probes over a link with a delay of 20 ms and a loss of a fifth, and checks both.
pub(crate) fn run(seed: u64) -> Result<(), LabError> {
    let near = Namespace::create("check-near", &[])?;
    let far = Namespace::create("check-far", &[])?;
    let ends = [(&near, "02:00:00:00:00:01"), (&far, "02:00:00:00:00:02")].map(|(namespace, mac)| End {
        namespace,
        interface: "eth0",
        mac,
    });
    let mut link = Link::connect("check", ends, DELAY, seed)?;
    near.ip(&format!("address add {NEAR}/24 dev eth0\n"))?;
    far.ip(&format!("address add {FAR}/24 dev eth0\n"))?;
    let probes = Probes { sender: socket(&near, NEAR)?, receiver: socket(&far, FAR)? };
    // The first one waits until the neighbour's hardware address is known.
    if probes.send(1, TIMEOUT)?.is_empty() {
        return Err(LabError::Unexpected("an open link carries nothing".to_owned()));
    }
    let lossy = Impairment { loss: Loss::Random(LOSS), ..Impairment::default() };
    link.impair([lossy, Impairment::default()])?;
    judge(&probes.send(PROBES, DELAY * 10)?)?;
    link.set_carrier(Carrier::Down)?;
    link.settle(Power::On)?;
    let shown = tool::run(Command::new("ip").args(["-n", near.name(), "link", "show", "eth0"]))?;
    if shown.contains("NO-CARRIER") {
        Ok(())
    } else {
        Err(LabError::Unexpected(format!("an unplugged cable still shows a carrier: {shown}")))
    }
}

const NEAR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const FAR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const DELAY: Duration = Duration::from_millis(20);
const LOSS: f64 = 0.2;
const PROBES: usize = 200;
/// Five standard deviations of the share that 200 probes lose: chance alone exceeds it once in a million runs.
const TOLERANCE: f64 = 0.14;
/// By how much the fastest frame may be late.
const SLACK: Duration = Duration::from_millis(20);
/// The timeout of the first probe on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(3);

fn socket(namespace: &Namespace, address: Ipv4Addr) -> Result<UdpSocket, LabError> {
    namespace.within(|| UdpSocket::bind((address, 0)))?.map_err(failed)
}

fn failed(error: std::io::Error) -> LabError {
    LabError::system("a socket for the self check", error)
}

struct Probes {
    sender: UdpSocket,
    receiver: UdpSocket,
}

impl Probes {
    /// Sends one datagram a millisecond and returns how long each took that arrived.
    fn send(&self, count: usize, timeout: Duration) -> Result<Vec<Duration>, LabError> {
        let target = self.receiver.local_addr().map_err(failed)?;
        self.receiver.set_read_timeout(Some(timeout)).map_err(failed)?;
        let beginning = Instant::now();
        thread::scope(|scope| {
            let sending = scope.spawn(move || {
                for _ in 0..count {
                    let now = beginning.elapsed().as_nanos().to_string();
                    self.sender.send_to(now.as_bytes(), target)?;
                    thread::sleep(Duration::from_millis(1));
                }
                Ok(())
            });
            let (mut times, mut buffer) = (Vec::new(), [0; 64]);
            while times.len() < count {
                // A timeout ends the probe only after everything was sent.
                let last = sending.is_finished();
                if let Ok(size) = self.receiver.recv(&mut buffer) {
                    let text = String::from_utf8_lossy(&buffer[..size]);
                    let sent = Duration::from_nanos(text.parse().unwrap_or(u64::MAX));
                    times.push(beginning.elapsed().saturating_sub(sent));
                } else if last {
                    break;
                }
            }
            sending.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).map_err(failed)?;
            Ok(times)
        })
    }
}

fn judge(times: &[Duration]) -> Result<(), LabError> {
    let lost = 1.0 - times.len() as f64 / PROBES as f64;
    if (lost - LOSS).abs() > TOLERANCE {
        return Err(LabError::Unexpected(format!("a link with a loss of {LOSS} loses {lost}")));
    }
    // The clock is read before sending and after receiving, so that no frame can be early; a busy machine makes many of
    // them late, but not all.
    let quickest = times.iter().min().copied().unwrap_or(Duration::MAX);
    if quickest < DELAY || quickest > DELAY + SLACK {
        return Err(LabError::Unexpected(format!(
            "a link with a delay of {DELAY:?} delays by at least {quickest:?}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_with_its_delay_and_loss_passes() {
        assert!(judge(&[DELAY + Duration::from_millis(1); PROBES * 4 / 5]).is_ok());
    }

    #[test]
    fn a_link_that_loses_nothing_or_everything_fails() {
        assert!(judge(&[DELAY; PROBES]).is_err());
        assert!(judge(&[]).is_err());
    }

    #[test]
    fn a_link_with_another_delay_fails() {
        assert!(judge(&[Duration::from_millis(1); PROBES * 4 / 5]).is_err());
        assert!(judge(&[2 * DELAY + SLACK; PROBES * 4 / 5]).is_err());
    }
}
