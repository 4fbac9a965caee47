//! Late reflection: a STUN query that found no way out is repeated until it is answered or nobody needs it.
//!
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
use webrtc::runtime::RecvMeta;

use crate::callbacks::Happening;

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
    ended: Arc<AtomicBool>,
}

impl Search {
    /// Begins a search whose findings go to `found`.
    pub(crate) fn new(found: UnboundedSender<Happening>) -> Self {
        Self { found, ended: Arc::default() }
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
}

/// A query of the engine's, as it went out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    /// Where it goes.
    pub(crate) server: SocketAddr,
    /// What it says, with the transaction id that an answer repeats.
    pub(crate) bytes: [u8; QUERY],
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
        queries: Vec<Query>,
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

    /// Learns that the engine sends `bytes` to `server`.
    pub(crate) fn sent(&self, server: SocketAddr, bytes: &[u8]) {
        let Ok(bytes) = <[u8; QUERY]>::try_from(bytes) else { return };
        if decoded(&bytes).is_none_or(|message| message.typ != BINDING_REQUEST) {
            return;
        }
        let query = Query { server, bytes };
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
    pub(crate) fn due(&self, cx: &mut Context<'_>) -> Vec<Query> {
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *stage {
            Stage::Quiet(receiver) => *receiver = Some(cx.waker().clone()),
            Stage::Asking { .. } if self.search.ended.load(Ordering::Acquire) => *stage = Stage::Settled,
            Stage::Asking { queries, beat, repeated } => {
                let mut due = Vec::new();
                // The poll after the last tick is the one that is woken.
                while beat.poll_tick(cx).is_ready() {
                    due.clone_from(queries);
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
        let asked = |query: &Query| query.server == from && datagram.get(4..QUERY) == Some(&query.bytes[4..]);
        if !queries.iter().any(asked) {
            return;
        }
        let repeated = *repeated;
        let Some(answer) = decoded(datagram) else { return };
        if answer.typ != BINDING_SUCCESS && answer.typ != BINDING_ERROR {
            return;
        }
        *stage = Stage::Settled;
        // The engine tells of its own queries; where it does so of this one too, the second telling is dropped.
        if repeated == Repeated::Once
            && !self.search.ended.load(Ordering::Acquire)
            && let Some(candidate) = candidate(&answer, self.local)
        {
            // Nobody listens any more once the connection is closed.
            let _ = self.search.found.send(Happening::Candidate(candidate));
        }
    }
}

fn decoded(bytes: &[u8]) -> Option<Message> {
    let mut message = Message::new();
    message.unmarshal_binary(bytes).ok().map(|()| message)
}

/// Returns the candidate in the answer to a query of `local`'s, written as the engine writes its own.
///
/// An answer with the address that we have anyway makes none: there is no NAT (RFC 8445 section 5.1.3).
fn candidate(answer: &Message, local: SocketAddr) -> Option<RTCIceCandidateInit> {
    let mut mapped = XorMappedAddress::default();
    mapped.get_from(answer).ok()?;
    if SocketAddr::new(mapped.ip, mapped.port) == local {
        return None;
    }
    let config = CandidateServerReflexiveConfig {
        base_config: CandidateConfig {
            network: "udp".to_owned(),
            address: mapped.ip.to_string(),
            port: mapped.port,
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
mod tests {
    use std::task::Poll;

    use rtc::stun::message::TransactionId;
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;

    const LOCAL: ([u8; 4], u16) = ([192, 0, 2, 9], 5000);
    const SERVER: ([u8; 4], u16) = ([198, 51, 100, 1], 3478);
    const MAPPED: &str = "203.0.113.7:4444";

    #[tokio::test]
    async fn repeats_at_every_beat_what_was_asked() {
        let (reflection, ..) = asking();
        let begun = time::Instant::now();
        for beat in 1..=3 {
            assert_eq!(next_due(&reflection).await.len(), 1);
            assert!(begun.elapsed() >= beat * BEAT, "{:?}", begun.elapsed());
        }
    }

    #[tokio::test]
    async fn tells_a_late_answer_as_a_candidate_and_asks_no_more() {
        let (reflection, _, mut found, request) = asking();
        next_due(&reflection).await;
        hear(&reflection, SERVER, &answer(&request, MAPPED));
        let line = told(&mut found).expect("told");
        // 100 for the type, all of the preference, component 1 (RFC 8445 section 5.1.2.1).
        let expected = " 1 udp 1694498815 203.0.113.7 4444 typ srflx raddr 192.0.2.9 rport 5000";
        assert!(line.starts_with("candidate:") && line.ends_with(expected), "{line}");
        reflection.sent(SERVER.into(), &request.raw);
        hear(&reflection, SERVER, &answer(&request, MAPPED));
        assert_eq!(told(&mut found), None);
        assert_stays_quiet(&reflection).await;
    }

    #[tokio::test]
    async fn leaves_an_answer_in_time_to_the_engine() {
        let (reflection, _, mut found, request) = asking();
        hear(&reflection, SERVER, &answer(&request, MAPPED));
        assert_eq!(told(&mut found), None);
        assert_stays_quiet(&reflection).await;
    }

    #[tokio::test]
    async fn a_connection_that_is_up_or_over_neither_asks_nor_tells() {
        for state in [IceConnectionState::Connected, IceConnectionState::Failed] {
            let (reflection, search, mut found, request) = asking();
            next_due(&reflection).await;
            search.observe(state);
            hear(&reflection, SERVER, &answer(&request, MAPPED));
            assert_eq!(told(&mut found), None);
            assert_stays_quiet(&reflection).await;
        }
    }

    #[tokio::test]
    async fn finds_an_answer_among_datagrams_that_came_together() {
        let (reflection, _, mut found, request) = asking();
        next_due(&reflection).await;
        let answer = answer(&request, MAPPED);
        let mut buffer = vec![7; answer.len()];
        buffer.extend(&answer);
        buffer.extend([7; 3]);
        let mut meta = RecvMeta::default();
        (meta.addr, meta.len, meta.stride) = (SERVER.into(), buffer.len(), answer.len());
        reflection.heard(&meta, &buffer);
        assert!(told(&mut found).is_some());
    }

    #[tokio::test]
    async fn lies_and_rubbish_change_nothing() {
        let (reflection, _, mut found, request) = asking();
        next_due(&reflection).await;
        let honest = answer(&request, MAPPED);
        hear(&reflection, LOCAL, &honest);
        let mut stranger = request.clone();
        stranger.transaction_id = TransactionId([0; 12]);
        hear(&reflection, SERVER, &answer(&stranger, MAPPED));
        (0..honest.len()).for_each(|length| hear(&reflection, SERVER, &honest[..length]));
        hear(&reflection, SERVER, &request.raw);
        assert_eq!(told(&mut found), None);
        hear(&reflection, SERVER, &honest);
        assert!(told(&mut found).is_some());
    }

    #[test]
    fn knows_addresses_of_ipv6_and_our_own() {
        let (request, local) = (request(), SocketAddr::from(LOCAL));
        let answered = |mapped| candidate(&decoded(&answer(&request, mapped)).expect("an answer"), local);
        let line = answered("[2001:db8::7]:4444").expect("a candidate").candidate;
        assert!(line.contains(" 2001:db8::7 4444 typ srflx"), "{line}");
        assert_eq!(answered(&local.to_string()), None);
    }

    #[tokio::test]
    async fn checks_between_peers_are_no_queries() {
        let (found, _) = unbounded_channel();
        let reflection = Reflection::new(LOCAL.into(), Search::new(found));
        reflection.sent(SERVER.into(), &answer(&request(), MAPPED));
        reflection.sent(SERVER.into(), &[7; QUERY]);
        let stage = reflection.stage.lock().expect("not poisoned");
        assert!(matches!(*stage, Stage::Quiet(None)), "{stage:?}");
    }

    /// Returns the watch over a socket whose engine has just asked.
    fn asking() -> (Reflection, Search, UnboundedReceiver<Happening>, Message) {
        let (found, findings) = unbounded_channel();
        let (search, request) = (Search::new(found), request());
        let reflection = Reflection::new(LOCAL.into(), search.clone());
        reflection.sent(SERVER.into(), &request.raw);
        // The engine's own repetition is the same query.
        reflection.sent(SERVER.into(), &request.raw);
        (reflection, search, findings, request)
    }

    fn request() -> Message {
        let mut request = Message::new();
        request.build(&[Box::new(TransactionId::new()), Box::new(BINDING_REQUEST)]).expect("a request");
        request
    }

    fn answer(request: &Message, mapped: &str) -> Vec<u8> {
        let mapped: SocketAddr = mapped.parse().expect("an address");
        let mapped = XorMappedAddress { ip: mapped.ip(), port: mapped.port() };
        let mut answer = Message::new();
        let setters: [Box<dyn rtc::stun::message::Setter>; 3] =
            [Box::new(request.transaction_id), Box::new(BINDING_SUCCESS), Box::new(mapped)];
        answer.build(&setters).expect("an answer");
        answer.raw
    }

    fn hear(reflection: &Reflection, from: ([u8; 4], u16), datagram: &[u8]) {
        let mut meta = RecvMeta::default();
        (meta.addr, meta.len, meta.stride) = (from.into(), datagram.len(), datagram.len());
        reflection.heard(&meta, datagram);
    }

    fn told(found: &mut UnboundedReceiver<Happening>) -> Option<String> {
        match found.try_recv().ok()? {
            Happening::Candidate(candidate) => Some(candidate.candidate),
            Happening::Ice(_) | Happening::DataChannel(_) => panic!("not ours to tell"),
        }
    }

    async fn next_due(reflection: &Reflection) -> Vec<Query> {
        std::future::poll_fn(|cx| match reflection.due(cx) {
            due if due.is_empty() => Poll::Pending,
            due => Poll::Ready(due),
        })
        .await
    }

    async fn assert_stays_quiet(reflection: &Reflection) {
        let due = time::timeout(3 * BEAT, next_due(reflection)).await;
        assert!(due.is_err(), "{due:?}");
    }
}
