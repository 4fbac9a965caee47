//! Retries STUN queries until a server answers or ICE needs no more candidates.
//!
//! Until then a cached public address stands in for the answer, if there is one.
//! The engine retries its queries itself, but ever more slowly and for eleven seconds at most; behind NAT a connection
//! that begins without a path would have no server-reflexive candidate for seconds after the path is back, or for ever.
//! Only queries of the engine are retried, so servers, families and policy are the engine's: with the relay-only policy
//! there is none, and none for a server whose name was unknown when the gathering began.
//! Allocations on TURN servers are not retried: one that was lost needs an ICE restart.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::task::Context;
use std::time::Duration;

use rtc::ice::candidate::CandidateConfig;
use rtc::peer_connection::transport::{CandidateServerReflexiveConfig, RTCIceCandidate};
use rtc::stun::message::{BINDING_ERROR, BINDING_REQUEST, BINDING_SUCCESS, Getter, Message};
use rtc::stun::xoraddr::XorMappedAddress;
use tokio::sync::mpsc::UnboundedSender;
use webrtc::peer_connection::RTCIceCandidateInit;
use webrtc::runtime::Transmit;

use crate::engine_event::EngineEvent;
use crate::socket::datagram::Datagram;
use crate::socket::interceptor::Interceptor;
use crate::socket::progress::Progress;
use crate::socket::public_address_cache::PublicAddressCache;
use crate::socket::retry_timer::RetryTimer;

/// How often an unanswered query is sent again.
///
/// A recovery waits at most this long once the path is back, and it is few packets beside the checks of the same time,
/// one every 20 ms.
const RETRY_INTERVAL: Duration = Duration::from_millis(250);

/// Length of a query: a STUN header (RFC 8489 section 5) without attributes, which no check between peers is.
const QUERY: usize = 20;

/// What the STUN queries of one connection share.
#[derive(Clone, Debug)]
pub(crate) struct StunContext {
    /// Gets the candidates that were found.
    pub(crate) events: UnboundedSender<EngineEvent>,
    /// Whether ICE can use a candidate.
    pub(crate) progress: Progress,
    /// What earlier gatherings found.
    pub(crate) public_addresses: PublicAddressCache,
}

impl StunContext {
    /// Reports that the socket bound to `local` is reachable as `public`, if ICE can use that.
    ///
    /// An address that we have anyway makes no candidate: there is no NAT (RFC 8445 section 5.1.3).
    fn report(&self, public: SocketAddr, local: SocketAddr) {
        if public != local
            && self.progress.needs_candidates()
            && let Some(candidate) = candidate(public, local)
        {
            // The receiver is gone once the connection is closed.
            let _ = self.events.send(EngineEvent::Candidate(candidate));
        }
    }
}

/// The STUN queries of one socket.
#[derive(Debug)]
pub(crate) struct StunRetry {
    local: SocketAddr,
    context: StunContext,
    pending: Mutex<Pending>,
}

/// The queries without an answer.
#[derive(Debug, Default)]
struct Pending {
    queries: Vec<Datagram>,
    timer: RetryTimer,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// The engine itself still takes an answer.
    #[default]
    First,
    /// The engine may have given up on an answer that is still to come.
    Retried,
    /// Answered, or of no more use; an ICE restart begins anew with new sockets.
    Settled,
}

impl StunRetry {
    /// Creates the interceptor of the socket that is bound to `local`.
    pub(crate) fn new(local: SocketAddr, context: StunContext) -> Self {
        Self { local, context, pending: Mutex::default() }
    }
}

impl Interceptor for StunRetry {
    fn on_send(&self, transmit: &Transmit<'_>) {
        let bytes = transmit.contents;
        if bytes.len() != QUERY || decoded(bytes).is_none_or(|message| message.typ != BINDING_REQUEST) {
            return;
        }
        let query = Datagram::of(transmit);
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.phase == Phase::Settled || pending.queries.contains(&query) {
            return;
        }
        if pending.queries.is_empty() {
            pending.timer.arm(RETRY_INTERVAL);
        }
        pending.queries.push(query);
    }

    fn on_receive(&self, from: SocketAddr, datagram: &[u8]) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        // Before anything is decoded, because this sees every datagram.
        let answered =
            |query: &Datagram| query.destination == from && datagram.get(4..QUERY) == query.contents.get(4..);
        if !pending.queries.iter().any(answered) {
            return;
        }
        let Some(answer) = decoded(datagram) else { return };
        if answer.typ != BINDING_SUCCESS && answer.typ != BINDING_ERROR {
            return;
        }
        let phase = pending.settle();
        let Some(public) = mapped(&answer) else { return };
        self.context.public_addresses.insert(self.local.ip(), public.ip());
        // The engine reports the answers to its own queries; where it reports this one too, the duplicate is dropped.
        if phase == Phase::Retried {
            self.context.report(public, self.local);
        }
    }

    fn poll_retransmit(&self, cx: &mut Context<'_>) -> Vec<Datagram> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let mut due = Vec::new();
        if pending.phase == Phase::Settled {
            return due;
        }
        if !pending.queries.is_empty() && !self.context.progress.needs_candidates() {
            pending.settle();
            return due;
        }
        while pending.timer.poll_fired(cx) {
            due.clone_from(&pending.queries);
            if pending.phase == Phase::First
                && let Some(guess) = self.context.public_addresses.guess(self.local)
            {
                self.context.report(guess, self.local);
            }
            pending.phase = Phase::Retried;
            pending.timer.arm(RETRY_INTERVAL);
        }
        due
    }
}

impl Pending {
    /// Ends the queries; returns the phase before.
    fn settle(&mut self) -> Phase {
        self.queries.clear();
        std::mem::replace(&mut self.phase, Phase::Settled)
    }
}

fn decoded(bytes: &[u8]) -> Option<Message> {
    let mut message = Message::new();
    message.unmarshal_binary(bytes).ok().map(|()| message)
}

/// Returns the address from which the server of an answer got the query.
fn mapped(answer: &Message) -> Option<SocketAddr> {
    let mut mapped = XorMappedAddress::default();
    mapped.get_from(answer).ok()?;
    Some(SocketAddr::new(mapped.ip, mapped.port))
}

/// Returns the candidate of the socket that is bound to `local` and reachable as `public`, in the engine's own form.
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
