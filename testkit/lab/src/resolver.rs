//! The name server of a world, which can fail for one side in every way that name servers fail.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::error::LabError;
use crate::fault::{DnsFailure, Side};

mod answer;
mod records;

pub(crate) use self::records::Records;

/// A name server; it serves until its sandbox ends.
#[derive(Debug)]
pub(crate) struct Resolver {
    address: IpAddr,
    failures: Arc<Mutex<BTreeMap<Side, DnsFailure>>>,
}

impl Resolver {
    /// Serves at `address`, in the network of the calling thread.
    pub(crate) fn serve(address: IpAddr, records: Records) -> Result<Self, LabError> {
        let failed = |error| LabError::system("starting the name server", error);
        // RFC 1035 section 4.2.1; nothing else in the namespace uses the port.
        let socket = UdpSocket::bind((address, 53)).map_err(failed)?;
        let failures = Arc::new(Mutex::new(BTreeMap::new()));
        let resolver = Self { address, failures: Arc::clone(&failures) };
        let run = move || {
            let mut buffer = [0; 512];
            // An error here is about a client that is gone.
            loop {
                let Ok((size, client)) = socket.recv_from(&mut buffer) else { continue };
                let failure =
                    records.clients.get(&client.ip()).and_then(|side| lock(&failures).get(side).copied());
                reply(&socket, client, answer::to(&buffer[..size], &records, failure));
            }
        };
        thread::Builder::new().name("resolver".to_owned()).spawn(run).map_err(failed)?;
        Ok(resolver)
    }

    pub(crate) fn address(&self) -> IpAddr {
        self.address
    }

    /// Sets how the server fails for a side; `None` for no failure.
    pub(crate) fn set_failure(&mut self, side: Side, failure: Option<DnsFailure>) {
        let mut failures = lock(&self.failures);
        match failure {
            Some(failure) => failures.insert(side, failure),
            None => failures.remove(&side),
        };
    }
}

fn lock(
    failures: &Mutex<BTreeMap<Side, DnsFailure>>,
) -> std::sync::MutexGuard<'_, BTreeMap<Side, DnsFailure>> {
    failures.lock().unwrap_or_else(PoisonError::into_inner)
}

fn reply(socket: &UdpSocket, client: SocketAddr, answer: Option<Vec<u8>>) {
    if let Some(answer) = answer {
        // The client may be gone.
        let _ = socket.send_to(&answer, client);
    }
}
