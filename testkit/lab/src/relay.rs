//! The STUN and TURN server of a world: coturn.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::error::LabError;
use crate::host::Host;

/// A running STUN and TURN server; it ends with this value.
#[derive(Debug)]
pub(crate) struct Relay {
    host: Host,
    process: Child,
}

impl Relay {
    /// Starts it on `host` and returns when it answers.
    pub(crate) fn start(host: Host) -> Result<Self, LabError> {
        let address = host.addresses()[0].to_string();
        let user = format!("{USER}:{PASSWORD}");
        let mut command = host.command(PROGRAM);
        command.args(["-n", "--no-tls", "--no-dtls", "--no-cli", "--lt-cred-mech", "--realm", "lab"]);
        command.args(["--pidfile", "/run/turn.pid", "--log-file", "/run/turn.log", "--simple-log"]);
        command.args(["--listening-ip", &address, "--relay-ip", &address, "--user", &user]);
        // Without a family in the request the server allocates IPv4 (RFC 8656 section 7.2), and the engine sends none.
        command.arg("--allocation-default-address-family=keep");
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let process = process.map_err(|error| LabError::system(format!("starting {PROGRAM}"), error))?;
        let relay = Self { host, process };
        relay.wait_for_answer()?;
        Ok(relay)
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    /// Returns `turn:user:password@host:port`.
    pub(crate) fn ice_server(&self) -> String {
        format!("turn:{USER}:{PASSWORD}@{}", self.address())
    }

    fn address(&self) -> SocketAddr {
        (self.host.addresses()[0], PORT).into()
    }

    /// Sends requests until the server answers.
    fn wait_for_answer(&self) -> Result<(), LabError> {
        let failed = |error| LabError::system("asking the STUN server", error);
        let local = self.host.addresses()[0];
        let socket = self.host.within(|| UdpSocket::bind((local, 0)))?.map_err(failed)?;
        // The server does not listen at once, and only an answer shows that it does.
        socket.set_read_timeout(Some(Duration::from_millis(20))).map_err(failed)?;
        let started = Instant::now();
        while started.elapsed() < TIMEOUT {
            socket.send_to(&BINDING_REQUEST, self.address()).map_err(failed)?;
            match socket.recv(&mut [0; 512]) {
                Ok(_) => return Ok(()),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                }
                Err(error) => return Err(failed(error)),
            }
        }
        Err(LabError::Unexpected(format!("{PROGRAM} does not answer within {TIMEOUT:?}")))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const PROGRAM: &str = "turnserver";
/// RFC 8656 section 18.5.
const PORT: u16 = 3478;
const USER: &str = "rejoin";
const PASSWORD: &str = "bridge";
/// It takes half a second on an idle machine, most of it for its own random numbers.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A request without attributes (RFC 8489 section 5): type, length, magic cookie, transaction.
const BINDING_REQUEST: [u8; 20] =
    [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, b'r', b'e', b'j', b'o', b'i', b'n', b'-', b'l', b'a', b'b', 0, 0];
