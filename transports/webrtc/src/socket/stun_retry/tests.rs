//! Queries that are retried, and the candidates of their answers.

use std::task::Poll;

use rejoin_core::IceConnectionState;
use rtc::stun::message::TransactionId;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time;

use super::*;

const LOCAL: ([u8; 4], u16) = ([192, 0, 2, 9], 5000);
const SERVER: ([u8; 4], u16) = ([198, 51, 100, 1], 3478);
const MAPPED: &str = "203.0.113.7:4444";

#[tokio::test]
async fn retries_a_query_at_every_interval() {
    let (retry, ..) = asking();
    let begun = time::Instant::now();
    for interval in 1..=3 {
        assert_eq!(next_due(&retry).await.len(), 1);
        assert!(begun.elapsed() >= interval * RETRY_INTERVAL, "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn reports_a_late_answer_as_a_candidate_and_stops() {
    let (retry, _, mut found, request) = asking();
    next_due(&retry).await;
    receive(&retry, SERVER, &answer(&request, MAPPED));
    let line = reported(&mut found).expect("reported");
    // 100 for the type, all of the preference, component 1 (RFC 8445 section 5.1.2.1).
    let expected = " 1 udp 1694498815 203.0.113.7 4444 typ srflx raddr 192.0.2.9 rport 5000";
    assert!(line.starts_with("candidate:") && line.ends_with(expected), "{line}");
    ask(&retry, &request.raw);
    receive(&retry, SERVER, &answer(&request, MAPPED));
    assert_eq!(reported(&mut found), None);
    assert_stays_quiet(&retry).await;
}

#[tokio::test]
async fn leaves_an_early_answer_to_the_engine() {
    let (retry, _, mut found, request) = asking();
    receive(&retry, SERVER, &answer(&request, MAPPED));
    assert_eq!(reported(&mut found), None);
    assert_stays_quiet(&retry).await;
}

#[tokio::test]
async fn a_connection_that_is_up_or_over_neither_retries_nor_reports() {
    for state in [IceConnectionState::Connected, IceConnectionState::Failed] {
        let (retry, context, mut found, request) = asking();
        next_due(&retry).await;
        context.progress.on_ice_state(state);
        receive(&retry, SERVER, &answer(&request, MAPPED));
        assert_eq!(reported(&mut found), None);
        assert_stays_quiet(&retry).await;
    }
}

#[tokio::test]
async fn ignores_forged_and_malformed_answers() {
    let (retry, _, mut found, request) = asking();
    next_due(&retry).await;
    let honest = answer(&request, MAPPED);
    receive(&retry, LOCAL, &honest);
    let mut foreign = request.clone();
    foreign.transaction_id = TransactionId([0; 12]);
    receive(&retry, SERVER, &answer(&foreign, MAPPED));
    (0..honest.len()).for_each(|length| receive(&retry, SERVER, &honest[..length]));
    receive(&retry, SERVER, &request.raw);
    assert_eq!(reported(&mut found), None);
    receive(&retry, SERVER, &honest);
    assert!(reported(&mut found).is_some());
}

#[tokio::test]
async fn reports_ipv6_addresses_and_skips_our_own() {
    for (mapped, expected) in
        [("[2001:db8::7]:4444", Some(" 2001:db8::7 4444 typ srflx")), ("192.0.2.9:5000", None)]
    {
        let (retry, _, mut found, request) = asking();
        next_due(&retry).await;
        receive(&retry, SERVER, &answer(&request, mapped));
        let line = reported(&mut found);
        assert!(line.is_some() == expected.is_some(), "{line:?}");
        assert!(line.zip(expected).is_none_or(|(line, expected)| line.contains(expected)));
    }
}

#[tokio::test]
async fn reports_the_cached_address_while_no_server_answers() {
    let (retry, context, mut found, request) = asking();
    context.public_addresses.on_bind(&[LOCAL.into()]);
    receive(&retry, SERVER, &answer(&request, MAPPED));
    let (events, mut guessed) = unbounded_channel();
    let local = SocketAddr::from((LOCAL.0, 6000));
    let later = StunRetry::new(local, StunContext { events, ..context.clone() });
    ask(&later, &request.raw);
    for _ in 0..3 {
        next_due(&later).await;
    }
    let line = reported(&mut guessed).expect("a guess");
    assert!(line.contains(" 203.0.113.7 6000 typ srflx raddr 192.0.2.9 rport 6000"), "{line}");
    assert_eq!((reported(&mut guessed), reported(&mut found)), (None, None));
}

#[tokio::test]
async fn ignores_checks_between_peers() {
    let (retry, ..) = retry();
    ask(&retry, &answer(&request(), MAPPED));
    ask(&retry, &[7; QUERY]);
    assert_eq!(retry.pending.lock().expect("not poisoned").queries, []);
}

/// Returns the interceptor of a socket whose engine has just sent a query.
fn asking() -> (StunRetry, StunContext, UnboundedReceiver<EngineEvent>, Message) {
    let (retry, context, events) = retry();
    let request = request();
    ask(&retry, &request.raw);
    // The engine's own retry is the same query.
    ask(&retry, &request.raw);
    (retry, context, events, request)
}

fn retry() -> (StunRetry, StunContext, UnboundedReceiver<EngineEvent>) {
    let (events, receiver) = unbounded_channel();
    let (progress, public_addresses) = (Progress::default(), PublicAddressCache::default());
    let context = StunContext { events, progress, public_addresses };
    (StunRetry::new(LOCAL.into(), context.clone()), context, receiver)
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

fn ask(retry: &StunRetry, contents: &[u8]) {
    let destination = SERVER.into();
    retry.on_send(&Transmit { destination, ecn: None, contents, segment_size: None, src_ip: None });
}

fn receive(retry: &StunRetry, from: ([u8; 4], u16), datagram: &[u8]) {
    retry.on_receive(from.into(), datagram);
}

fn reported(found: &mut UnboundedReceiver<EngineEvent>) -> Option<String> {
    match found.try_recv().ok()? {
        EngineEvent::Candidate(candidate) => Some(candidate.candidate),
        EngineEvent::Ice(_) | EngineEvent::DataChannel(_) => panic!("an event of the engine"),
    }
}

async fn next_due(retry: &StunRetry) -> Vec<Datagram> {
    std::future::poll_fn(|cx| match retry.poll_retransmit(cx) {
        due if due.is_empty() => Poll::Pending,
        due => Poll::Ready(due),
    })
    .await
}

async fn assert_stays_quiet(retry: &StunRetry) {
    let due = time::timeout(3 * RETRY_INTERVAL, next_due(retry)).await;
    assert!(due.is_err(), "{due:?}");
}
