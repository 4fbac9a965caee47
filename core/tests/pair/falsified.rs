//! The audit itself is checked: it finds nothing wrong with true histories, and every lie in falsified ones.

use proptest::prelude::*;
use proptest::sample::Index;

use crate::audit::{Audit, Ending};

/// One line of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Said,
    Dropped(u64),
    Received(u64, u64),
    Missed(u64),
    SenderKilled,
    ReceiverKilled,
    Fair,
}

/// What happens between two moments of fair weather.
#[derive(Clone, Debug)]
struct Round {
    said: u64,
    /// How many of them exceeded the bound; never the newest.
    dropped: u64,
    end: End,
}

#[derive(Clone, Debug)]
enum End {
    Peace,
    /// The sender is killed before so many of the last have arrived.
    SenderKilled(u64),
    /// The receiver is killed, and so many of the last come again.
    ReceiverKilled(u64),
}

fn round() -> impl Strategy<Value = Round> {
    let end = prop_oneof![
        4 => Just(End::Peace),
        1 => (0..10u64).prop_map(End::SenderKilled),
        1 => (0..10u64).prop_map(End::ReceiverKilled),
    ];
    (1..20u64, 0..10u64, end).prop_map(|(said, dropped, end)| Round {
        said,
        dropped: dropped.min(said - 1),
        end,
    })
}

/// Returns what both sides see of these rounds if everything is right.
fn truth(rounds: &[Round]) -> Vec<Entry> {
    let (mut history, mut life, mut last) = (Vec::new(), 0, 0);
    for Round { said, dropped, end } in rounds {
        let first = last + 1;
        last += said;
        history.extend((0..*said).map(|_| Entry::Said));
        if *dropped > 0 {
            history.extend([Entry::Dropped(*dropped), Entry::Missed(*dropped)]);
        }
        let arrived = first + dropped..=last;
        match end {
            End::Peace => history.extend(arrived.map(|number| Entry::Received(life, number))),
            End::SenderKilled(lost) => {
                let lost = (*lost).min(said - dropped - 1);
                history.extend((first + dropped..=last - lost).map(|number| Entry::Received(life, number)));
                history.push(Entry::SenderKilled);
                (life, last) = (life + 1, 0);
            }
            End::ReceiverKilled(again) => {
                let again = (*again).min(said - dropped);
                history.extend(arrived.map(|number| Entry::Received(life, number)));
                history.push(Entry::ReceiverKilled);
                history.extend((last + 1 - again..=last).map(|number| Entry::Received(life, number)));
            }
        }
        history.extend([Entry::Fair, Entry::Fair]);
    }
    history
}

fn judge(history: &[Entry]) -> Result<(), String> {
    let mut audit = Audit::default();
    for entry in history {
        match entry {
            Entry::Said => {
                audit.next_text();
            }
            Entry::Dropped(messages) => audit.dropped(*messages)?,
            Entry::Received(life, number) => audit.received(&format!("{life}.{number}"))?,
            Entry::Missed(messages) => audit.missed(*messages)?,
            Entry::SenderKilled => audit.ended(Ending::Killed),
            Entry::ReceiverKilled => audit.receiver_killed(),
            Entry::Fair => audit.fair()?,
        }
    }
    audit.verdict()
}

/// Returns where in a history something stands, chosen by `index`.
fn find(history: &[Entry], index: Index, wanted: impl Fn(&Entry) -> bool) -> Option<usize> {
    let places: Vec<usize> = (0..history.len()).filter(|place| wanted(&history[*place])).collect();
    (!places.is_empty()).then(|| places[index.index(places.len())])
}

fn is_received(entry: &Entry) -> bool {
    matches!(entry, Entry::Received(..))
}

/// Rounds that end in peace: no process is killed whose durability would excuse anything.
fn peaceful() -> impl Strategy<Value = Vec<Entry>> {
    let rounds = prop::collection::vec(round(), 1..12);
    rounds.prop_map(|rounds| {
        let peace = |round| Round { end: End::Peace, ..round };
        truth(&rounds.into_iter().map(peace).collect::<Vec<_>>())
    })
}

fn any_history() -> impl Strategy<Value = Vec<Entry>> {
    prop::collection::vec(round(), 1..12).prop_map(|rounds| truth(&rounds))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn the_truth_is_believed(history in any_history()) {
        prop_assert_eq!(judge(&history), Ok(()));
    }

    #[test]
    fn a_lost_message_is_found(mut history in peaceful(), index: Index) {
        let place = find(&history, index, is_received).unwrap();
        history.remove(place);
        prop_assert!(judge(&history).is_err());
    }

    #[test]
    fn a_message_that_comes_twice_is_found(mut history in peaceful(), index: Index, later: Index) {
        let place = find(&history, index, is_received).unwrap();
        let again = place + 1 + later.index(history.len() - place);
        history.insert(again, history[place].clone());
        prop_assert!(judge(&history).is_err());
    }

    #[test]
    fn two_messages_in_the_wrong_order_are_found(mut history in any_history(), index: Index) {
        let place = find(&history, index, is_received).unwrap();
        prop_assume!(history.get(place + 1).is_some_and(is_received));
        history.swap(place, place + 1);
        prop_assert!(judge(&history).is_err());
    }

    #[test]
    fn a_gap_that_nobody_announced_is_found(mut history in any_history(), index: Index) {
        let place = find(&history, index, |entry| matches!(entry, Entry::Missed(_)));
        prop_assume!(place.is_some());
        history.remove(place.unwrap());
        prop_assert!(judge(&history).is_err());
    }

    #[test]
    fn a_gap_of_another_length_is_found(mut history in any_history(), index: Index, by in prop_oneof![Just(-1), Just(1)]) {
        let place = find(&history, index, |entry| matches!(entry, Entry::Missed(_)));
        prop_assume!(place.is_some());
        let place = place.unwrap();
        let Entry::Missed(messages) = history[place] else { unreachable!() };
        history[place] = Entry::Missed(messages.saturating_add_signed(by));
        prop_assert!(judge(&history).is_err());
    }

    #[test]
    fn a_gap_that_the_sender_was_not_told_of_is_found(mut history in any_history(), index: Index) {
        let place = find(&history, index, |entry| matches!(entry, Entry::Dropped(_)));
        prop_assume!(place.is_some());
        history.remove(place.unwrap());
        prop_assert!(judge(&history).is_err());
    }

    #[test]
    fn a_repetition_of_what_was_long_acknowledged_is_found(rounds in prop::collection::vec(round(), 0..6), said in 1..10u64) {
        let quiet = Round { said, dropped: 0, end: End::Peace };
        let life = rounds.iter().filter(|round| matches!(round.end, End::SenderKilled(_))).count() as u64;
        let all = rounds.into_iter().chain([quiet]).collect::<Vec<_>>();
        let mut history: Vec<Entry> = truth(&all).into_iter().chain([Entry::ReceiverKilled]).collect();
        let last = history.iter().rev().find_map(|entry| match entry {
            Entry::Received(_, number) => Some(*number),
            _ => None,
        });
        history.push(Entry::Received(life, last.unwrap()));
        prop_assert!(judge(&history).is_err());
    }

    #[test]
    fn what_was_never_said_is_found(mut history in peaceful(), index: Index) {
        let place = find(&history, index, |entry| *entry == Entry::Said);
        history.remove(place.unwrap());
        prop_assert!(judge(&history).is_err());
    }
}

#[test]
fn the_death_of_a_sender_excuses_no_loss_in_fair_weather() {
    let said = [Entry::Said, Entry::Fair, Entry::Fair, Entry::SenderKilled];
    assert!(judge(&said).is_err());
    assert_eq!(judge(&[Entry::Said, Entry::Fair, Entry::SenderKilled]), Ok(()));
}
