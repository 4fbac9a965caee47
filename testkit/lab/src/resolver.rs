//! The name server of a world, which can fail one side in every way name servers fail.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::error::LabError;
use crate::fault::{DnsFailure, Side};

mod answer;

/// What a name server knows.
#[derive(Clone, Debug)]
pub(crate) struct Book {
    pub(crate) names: BTreeMap<String, IpAddr>,
    /// On which side an asker is.
    pub(crate) askers: BTreeMap<IpAddr, Side>,
    /// An address at which nobody is.
    pub(crate) nobody: IpAddr,
}

/// A name server; it serves until its enclosure ends.
#[derive(Debug)]
pub(crate) struct Resolver {
    address: IpAddr,
    failures: Arc<Mutex<BTreeMap<Side, DnsFailure>>>,
}

impl Resolver {
    /// Serves at `address`, in the network of the calling thread.
    pub(crate) fn serve(address: IpAddr, book: Book) -> Result<Self, LabError> {
        let failed = |error| LabError::system("starting the name server", error);
        // RFC 1035 section 4.2.1; the namespace is ours, so the port is free.
        let socket = UdpSocket::bind((address, 53)).map_err(failed)?;
        let failures = Arc::new(Mutex::new(BTreeMap::new()));
        let resolver = Self { address, failures: Arc::clone(&failures) };
        let run = move || {
            let mut buffer = [0; 512];
            // An error here belongs to somebody who asked and went away.
            loop {
                let Ok((size, asker)) = socket.recv_from(&mut buffer) else { continue };
                let failure =
                    book.askers.get(&asker.ip()).and_then(|side| lock(&failures).get(side).copied());
                reply(&socket, asker, answer::to(&buffer[..size], &book, failure));
            }
        };
        thread::Builder::new().name("resolver".to_owned()).spawn(run).map_err(failed)?;
        Ok(resolver)
    }

    pub(crate) fn address(&self) -> IpAddr {
        self.address
    }

    /// Fails a side in this way only, or not at all.
    pub(crate) fn suffer(&mut self, side: Side, failure: Option<DnsFailure>) {
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

fn reply(socket: &UdpSocket, asker: SocketAddr, answer: Option<Vec<u8>>) {
    if let Some(answer) = answer {
        // Who asked may be gone.
        let _ = socket.send_to(&answer, asker);
    }
}
