//! Probes of a network: small echo servers and their clients, without any program of the product.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::LabError;
use crate::host::Host;

/// A server that answers UDP with the sender's address as it saw it, followed by what it got, and repeats TCP.
///
/// It serves until its sandbox ends.
#[derive(Clone, Copy, Debug)]
pub struct Echo {
    /// Where it answers UDP.
    pub udp: SocketAddr,
    /// Where it repeats TCP.
    pub tcp: SocketAddr,
}

impl Echo {
    /// Starts one on `host`, at its first address and free ports.
    pub fn start(host: &Host) -> Result<Self, LabError> {
        let address = host.addresses()[0];
        host.within(|| Self::serve(address))?.map_err(|error| LabError::system("starting an echo", error))
    }

    pub(crate) fn serve(address: IpAddr) -> io::Result<Self> {
        let (datagrams, listener) = (UdpSocket::bind((address, 0))?, TcpListener::bind((address, 0))?);
        let echo = Self { udp: datagrams.local_addr()?, tcp: listener.local_addr()? };
        thread::spawn(move || answer(&datagrams));
        thread::spawn(move || {
            listener.incoming().flatten().for_each(|stream| drop(thread::spawn(|| repeat(stream))))
        });
        Ok(echo)
    }
}

/// The answer of an [`Echo`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EchoAnswer {
    /// The address of the client, as the server saw it.
    pub seen: SocketAddr,
    /// How long it took.
    pub rtt: Duration,
}

/// Sends a question to a UDP [`Echo`] and waits for the answer.
///
/// Answers to earlier questions are ignored.
pub fn ask(socket: &UdpSocket, echo: SocketAddr, timeout: Duration) -> io::Result<EchoAnswer> {
    let question = rand::random::<u64>().to_string();
    let asked = Instant::now();
    socket.send_to(question.as_bytes(), echo)?;
    let mut buffer = [0; 256];
    loop {
        let left = timeout.saturating_sub(asked.elapsed());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        socket.set_read_timeout(Some(left))?;
        let (size, _) = socket.recv_from(&mut buffer)?;
        let answer = String::from_utf8_lossy(&buffer[..size]);
        if let Some((seen, text)) = answer.split_once('|')
            && text == question
        {
            let seen = seen.parse().map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
            return Ok(EchoAnswer { seen, rtt: asked.elapsed() });
        }
    }
}

/// Answers as an [`Echo`] does, until the socket fails.
pub fn answer(socket: &UdpSocket) {
    let mut buffer = [0; 2048];
    loop {
        match socket.recv_from(&mut buffer) {
            Ok((size, from)) => {
                let mut answer = format!("{from}|").into_bytes();
                answer.extend_from_slice(&buffer[..size]);
                let _ = socket.send_to(&answer, from);
            }
            // A client is gone; the others are not.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            Err(_) => return,
        }
    }
}

fn repeat(mut stream: TcpStream) {
    let mut buffer = [0; 2048];
    while let Ok(size @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..size]).is_err() {
            return;
        }
    }
}
