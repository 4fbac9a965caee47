//! The UDP socket that the engine gets: a socket and a list of interceptors.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

use crate::socket::interceptor::Interceptor;

/// A UDP socket that shows every datagram to its interceptors, in their order.
#[derive(Debug)]
pub(crate) struct EngineSocket {
    socket: Arc<dyn AsyncUdpSocket>,
    interceptors: Vec<Box<dyn Interceptor>>,
}

impl EngineSocket {
    /// Creates a socket over `socket`.
    pub(crate) fn new(socket: Arc<dyn AsyncUdpSocket>, interceptors: Vec<Box<dyn Interceptor>>) -> Self {
        Self { socket, interceptors }
    }

    /// Sends what the interceptors repeat.
    ///
    /// The driver's task both sends and receives, so this cannot take the waker of a send that waits.
    /// What the kernel does not take is due again soon.
    fn retransmit(&self, cx: &mut Context<'_>) {
        for interceptor in &self.interceptors {
            for datagram in interceptor.poll_retransmit(cx) {
                let _ = self.socket.poll_send(cx, &datagram.transmit());
            }
        }
    }

    /// Shows what arrived in one buffer, which may be several datagrams of one sender, `stride` bytes apart.
    fn on_receive(&self, meta: &RecvMeta, buffer: &[u8]) {
        for datagram in buffer[..meta.len.min(buffer.len())].chunks(meta.stride.max(1)) {
            self.interceptors.iter().for_each(|interceptor| interceptor.on_receive(meta.addr, datagram));
        }
    }
}

impl AsyncUdpSocket for EngineSocket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        self.interceptors.iter().for_each(|interceptor| interceptor.on_send(transmit));
        self.socket.poll_send(cx, transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.retransmit(cx);
        let received = self.socket.poll_recv(cx, bufs, meta);
        if let Poll::Ready(Ok(count)) = received {
            bufs.iter().zip(&*meta).take(count).for_each(|(buffer, meta)| self.on_receive(meta, buffer));
        }
        received
    }

    fn max_gso_segments(&self) -> usize {
        self.socket.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.socket.max_gro_segments()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Mutex;

    use webrtc::runtime::{Runtime as _, TokioRuntime};

    use super::*;
    use crate::socket::datagram::Datagram;

    /// Keeps what arrives, and repeats what was sent once.
    #[derive(Clone, Debug, Default)]
    struct Recorder {
        received: Arc<Mutex<Vec<Vec<u8>>>>,
        sent: Arc<Mutex<Vec<Datagram>>>,
    }

    impl Interceptor for Recorder {
        fn on_send(&self, transmit: &Transmit<'_>) {
            self.sent.lock().expect("not poisoned").push(Datagram::of(transmit));
        }

        fn on_receive(&self, _: SocketAddr, datagram: &[u8]) {
            self.received.lock().expect("not poisoned").push(datagram.to_vec());
        }

        fn poll_retransmit(&self, _: &mut Context<'_>) -> Vec<Datagram> {
            std::mem::take(&mut self.sent.lock().expect("not poisoned"))
        }
    }

    #[tokio::test]
    async fn shows_what_is_sent_and_received_and_sends_what_is_due() {
        let (socket, recorder) = socket().await;
        let destination = socket.local_addr().expect("bound");
        let transmit =
            Transmit { destination, ecn: None, contents: &[1, 2], segment_size: None, src_ip: None };
        poll_fn(|cx| socket.poll_send(cx, &transmit)).await.expect("loopback takes it");
        for _ in 0..2 {
            receive(&socket).await;
        }
        assert_eq!(*recorder.received.lock().expect("not poisoned"), [[1, 2], [1, 2]]);
    }

    #[tokio::test]
    async fn splits_datagrams_that_arrived_together() {
        let (socket, recorder) = socket().await;
        let mut meta = RecvMeta::default();
        (meta.len, meta.stride) = (5, 2);
        socket.on_receive(&meta, &[1, 2, 3, 4, 5, 9]);
        assert_eq!(*recorder.received.lock().expect("not poisoned"), [&[1, 2][..], &[3, 4], &[5]]);
    }

    async fn socket() -> (EngineSocket, Recorder) {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("loopback");
        let recorder = Recorder::default();
        let socket = TokioRuntime.wrap_udp_socket(socket).expect("a runtime");
        (EngineSocket::new(socket, vec![Box::new(recorder.clone())]), recorder)
    }

    async fn receive(socket: &EngineSocket) {
        let mut buffer = [0; 64];
        let mut meta = [RecvMeta::default()];
        poll_fn(|cx| socket.poll_recv(cx, &mut [IoSliceMut::new(&mut buffer)], &mut meta))
            .await
            .expect("loopback delivers");
    }
}
