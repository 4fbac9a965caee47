//! Late reflection: a STUN query that found no way out is repeated until it is answered or nobody needs it.
//!
//! Until then a guess stands in for the answer, where an earlier one is known.
//! The engine repeats its queries itself, but ever more slowly and for eleven seconds at most; behind NAT a connection
//! begun in a cut would stay without a server-reflexive candidate for seconds after the path is back, or for ever.
//! What the engine asked is what is repeated, so servers, families and policy are its own: relay only asks nothing, and
//! neither does a server whose name was unknown when the gathering began.
//! Allocations on TURN servers are not repeated: one that a cut swallowed needs an ICE restart.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use rejoin_core::IceConnectionState;
use rtc::ice::candidate::CandidateConfig;
use rtc::peer_connection::transport::{CandidateServerReflexiveConfig, RTCIceCandidate};
use rtc::stun::message::{BINDING_ERROR, BINDING_REQUEST, BINDING_SUCCESS, Getter, Message};
use rtc::stun::xoraddr::XorMappedAddress;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{self, Interval, MissedTickBehavior};
use webrtc::peer_connection::RTCIceCandidateInit;
use webrtc::runtime::{RecvMeta, Transmit};

use crate::callbacks::Happening;
use crate::socket::datagram::Datagram;
use crate::socket::public_address_cache::Outside;

/// How often an unanswered query is repeated.
///
/// It is what a recovery waits at most once the path is back, and few packets beside the checks of the same time, which
/// go out every 20 ms.
const BEAT: Duration = Duration::from_millis(250);

/// Length of a query: a STUN header (RFC 8489 section 5) without attributes, as no check between peers is.
const QUERY: usize = 20;

/// Whether a connection looks for its path, and where what its sockets find is told.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    found: UnboundedSender<Happening>,
    outside: Outside,
    ended: Arc<AtomicBool>,
}

impl Search {
    /// Begins a search whose findings go to `found` and, for later ones, to `outside`.
    pub(crate) fn new(found: UnboundedSender<Happening>, outside: Outside) -> Self {
        Self { found, outside, ended: Arc::default() }
    }

    /// Learns the state of ICE, which decides whether a candidate is still of use.
    pub(crate) fn observe(&self, state: IceConnectionState) {
        let ended = match state {
            IceConnectionState::New | IceConnectionState::Checking | IceConnectionState::Disconnected => {
                false
            }
            IceConnectionState::Connected
            | IceConnectionState::Completed
            | IceConnectionState::Failed
            | IceConnectionState::Closed => true,
        };
        self.ended.store(ended, Ordering::Release);
    }

    /// Tells that the socket bound to `local` is seen as `public`, if that is of use.
    ///
    /// An address that we have anyway makes no candidate: there is no NAT (RFC 8445 section 5.1.3).
    fn tell(&self, public: SocketAddr, local: SocketAddr) {
        if public != local
            && !self.ended.load(Ordering::Acquire)
            && let Some(candidate) = candidate(public, local)
        {
            // Nobody listens any more once the connection is closed.
            let _ = self.found.send(Happening::Candidate(candidate));
        }
    }
}

/// The queries of one UDP socket.
#[derive(Debug)]
pub(crate) struct Reflection {
    local: SocketAddr,
    search: Search,
    stage: Mutex<Stage>,
}

#[derive(Debug)]
enum Stage {
    /// The engine has asked nothing; whoever receives wants to know when it does.
    Quiet(Option<Waker>),
    Asking {
        queries: Vec<Datagram>,
        beat: Interval,
        repeated: Repeated,
    },
    /// Answered, or of no more use; an ICE restart begins anew with new sockets.
    Settled,
}

/// Whether the engine may have given up on an answer that is still coming.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repeated {
    NotYet,
    Once,
}

impl Reflection {
    /// Watches the socket bound to `local`.
    pub(crate) fn new(local: SocketAddr, search: Search) -> Self {
        Self { local, search, stage: Mutex::new(Stage::Quiet(None)) }
    }

    /// Learns that the engine sends `transmit`.
    pub(crate) fn sent(&self, transmit: &Transmit<'_>) {
        let bytes = transmit.contents;
        if bytes.len() != QUERY || decoded(bytes).is_none_or(|message| message.typ != BINDING_REQUEST) {
            return;
        }
        let query = Datagram::of(transmit);
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *stage {
            Stage::Quiet(receiver) => {
                let receiver = receiver.take();
                let mut beat = time::interval_at(time::Instant::now() + BEAT, BEAT);
                beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
                *stage = Stage::Asking { queries: vec![query], beat, repeated: Repeated::NotYet };
                if let Some(receiver) = receiver {
                    receiver.wake();
                }
            }
            Stage::Asking { queries, .. } if !queries.contains(&query) => queries.push(query),
            Stage::Asking { .. } | Stage::Settled => {}
        }
    }

    /// Returns what is to be sent again; wakes the receiver whose `cx` it is when there is more.
    pub(crate) fn due(&self, cx: &mut Context<'_>) -> Vec<Datagram> {
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *stage {
            Stage::Quiet(receiver) => *receiver = Some(cx.waker().clone()),
            Stage::Asking { .. } if self.search.ended.load(Ordering::Acquire) => *stage = Stage::Settled,
            Stage::Asking { queries, beat, repeated } => {
                let mut due = Vec::new();
                // The poll after the last tick is the one that is woken.
                while beat.poll_tick(cx).is_ready() {
                    due.clone_from(queries);
                    if *repeated == Repeated::NotYet
                        && let Some(guess) = self.search.outside.guess(self.local)
                    {
                        self.search.tell(guess, self.local);
                    }
                    *repeated = Repeated::Once;
                }
                return due;
            }
            Stage::Settled => {}
        }
        Vec::new()
    }

    /// Learns what arrived in `buffer`; an answer to a query that was repeated is told as a candidate.
    pub(crate) fn heard(&self, meta: &RecvMeta, buffer: &[u8]) {
        // The kernel hands several datagrams of one sender over together, `stride` bytes apart.
        for datagram in buffer[..meta.len.min(buffer.len())].chunks(meta.stride.max(1)) {
            self.heard_one(meta.addr, datagram);
        }
    }

    fn heard_one(&self, from: SocketAddr, datagram: &[u8]) {
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        let Stage::Asking { queries, repeated, .. } = &*stage else { return };
        // Before anything is decoded, because this sees every datagram.
        let asked =
            |query: &Datagram| query.destination == from && datagram.get(4..QUERY) == query.contents.get(4..);
        if !queries.iter().any(asked) {
            return;
        }
        let repeated = *repeated;
        let Some(answer) = decoded(datagram) else { return };
        if answer.typ != BINDING_SUCCESS && answer.typ != BINDING_ERROR {
            return;
        }
        *stage = Stage::Settled;
        let Some(seen) = mapped(&answer) else { return };
        self.search.outside.learn(self.local.ip(), seen.ip());
        // The engine tells of its own queries; where it does so of this one too, the second telling is dropped.
        if repeated == Repeated::Once {
            self.search.tell(seen, self.local);
        }
    }
}

fn decoded(bytes: &[u8]) -> Option<Message> {
    let mut message = Message::new();
    message.unmarshal_binary(bytes).ok().map(|()| message)
}

/// Returns where an answer saw who asked.
fn mapped(answer: &Message) -> Option<SocketAddr> {
    let mut mapped = XorMappedAddress::default();
    mapped.get_from(answer).ok()?;
    Some(SocketAddr::new(mapped.ip, mapped.port))
}

/// Returns the candidate of the socket that is bound to `local` and seen as `public`, written as the engine writes its
/// own.
fn candidate(public: SocketAddr, local: SocketAddr) -> Option<RTCIceCandidateInit> {
    let config = CandidateServerReflexiveConfig {
        base_config: CandidateConfig {
            network: "udp".to_owned(),
            address: public.ip().to_string(),
            port: public.port(),
            component: 1,
            ..CandidateConfig::default()
        },
        rel_addr: local.ip().to_string(),
        rel_port: local.port(),
        ..CandidateServerReflexiveConfig::default()
    };
    RTCIceCandidate::from(&config.new_candidate_server_reflexive().ok()?).to_json().ok()
}

#[cfg(test)]
mod tests;
