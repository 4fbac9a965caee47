//! Queries that are repeated, and what their answers tell.

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
    ask(&reflection, &request.raw);
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

#[tokio::test]
async fn knows_addresses_of_ipv6_and_our_own() {
    for (mapped, expected) in
        [("[2001:db8::7]:4444", Some(" 2001:db8::7 4444 typ srflx")), ("192.0.2.9:5000", None)]
    {
        let (reflection, _, mut found, request) = asking();
        next_due(&reflection).await;
        hear(&reflection, SERVER, &answer(&request, mapped));
        let line = told(&mut found);
        assert!(line.is_some() == expected.is_some(), "{line:?}");
        assert!(line.zip(expected).is_none_or(|(line, expected)| line.contains(expected)));
    }
}

#[tokio::test]
async fn guesses_what_an_earlier_answer_told_while_there_is_none() {
    let (reflection, search, mut found, request) = asking();
    search.outside.bind(&[LOCAL.into()]);
    hear(&reflection, SERVER, &answer(&request, MAPPED));
    let (found_later, mut guessed) = unbounded_channel();
    let local = SocketAddr::from((LOCAL.0, 6000));
    let later = Reflection::new(local, Search::new(found_later, search.outside.clone()));
    ask(&later, &request.raw);
    for _ in 0..3 {
        next_due(&later).await;
    }
    let line = told(&mut guessed).expect("a guess");
    assert!(line.contains(" 203.0.113.7 6000 typ srflx raddr 192.0.2.9 rport 6000"), "{line}");
    assert_eq!((told(&mut guessed), told(&mut found)), (None, None));
}

#[tokio::test]
async fn checks_between_peers_are_no_queries() {
    let (found, _) = unbounded_channel();
    let reflection = Reflection::new(LOCAL.into(), Search::new(found, Outside::default()));
    ask(&reflection, &answer(&request(), MAPPED));
    ask(&reflection, &[7; QUERY]);
    let stage = reflection.stage.lock().expect("not poisoned");
    assert!(matches!(*stage, Stage::Quiet(None)), "{stage:?}");
}

/// Returns the watch over a socket whose engine has just asked.
fn asking() -> (Reflection, Search, UnboundedReceiver<Happening>, Message) {
    let (found, findings) = unbounded_channel();
    let (search, request) = (Search::new(found, Outside::default()), request());
    let reflection = Reflection::new(LOCAL.into(), search.clone());
    ask(&reflection, &request.raw);
    // The engine's own repetition is the same query.
    ask(&reflection, &request.raw);
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

fn ask(reflection: &Reflection, contents: &[u8]) {
    let destination = SERVER.into();
    reflection.sent(&Transmit { destination, ecn: None, contents, segment_size: None, src_ip: None });
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

async fn next_due(reflection: &Reflection) -> Vec<Datagram> {
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
