//! The claims of the audit, each on a few messages.

use super::*;

const SENDER: ProcessId = ProcessId { role: Role::Publisher, number: 1 };
const RECEIVER: ProcessId = ProcessId { role: Role::Viewer, number: 1 };

#[test]
fn what_arrives_once_and_in_order_is_clean() {
    let counts = audit(3, &[(1, 1), (2, 1), (3, 1)], DeliveryGuarantee::WhileAlive).final_counts();
    assert!(counts.is_clean());
    assert_eq!((counts.sent, counts.received), (3, 3));
}

#[test]
fn a_gap_and_a_missing_end_are_lost() {
    let audit = audit(5, &[(1, 1), (3, 1)], DeliveryGuarantee::WhileAlive);
    assert_eq!((audit.final_counts().lost, audit.undelivered()), (3, 3));
}

#[test]
fn what_fills_a_gap_is_reordered_and_what_repeats_is_duplicated() {
    let arrivals = [(1, 1), (3, 1), (2, 1), (2, 1)];
    let counts = audit(3, &arrivals, DeliveryGuarantee::WhileAlive).final_counts();
    assert_eq!((counts.lost, counts.reordered, counts.duplicated), (0, 1, 1));
}

#[test]
fn a_gap_is_lost_until_it_is_filled() {
    let mut audit = audit(4, &[(1, 1), (4, 1)], DeliveryGuarantee::Durable);
    assert_eq!(audit.counts_so_far().lost, 2);
    receive(&mut audit, 2);
    assert_eq!((audit.counts_so_far().lost, audit.counts_so_far().reordered), (1, 1));
}

#[test]
fn messages_before_the_first_arrival_are_lost() {
    assert_eq!(audit(3, &[(3, 1)], DeliveryGuarantee::Durable).counts_so_far().lost, 2);
}

#[test]
fn messages_in_transit_are_lost_at_the_end_only() {
    let audit = audit(5, &[(1, 1), (2, 1), (3, 1)], DeliveryGuarantee::Durable);
    assert_eq!((audit.counts_so_far().lost, audit.in_transit()), (0, 2));
    assert_eq!(audit.final_counts().lost, 2);
}

#[test]
fn the_counts_balance() {
    let arrivals = [1, 2, 2, 5, 4, 8].map(|number| (number, 1));
    let mut audit = audit(10, &arrivals, DeliveryGuarantee::Durable);
    let viewer = NumberedMessage { sender: RECEIVER, number: 1 };
    audit.on_sent(RECEIVER, 4);
    audit.on_received(viewer, SENDER);
    let counts = audit.final_counts();
    assert_eq!(counts.sent, counts.received - counts.duplicated + counts.lost);
}

#[test]
fn every_process_numbers_its_own_stream() {
    let mut audit = audit(9, &[(1, 1), (2, 1), (9, 1)], DeliveryGuarantee::Durable);
    let successor = ProcessId { number: 2, ..SENDER };
    audit.on_received(NumberedMessage { sender: successor, number: 1 }, RECEIVER);
    assert_eq!((audit.counts_so_far().duplicated, audit.counts_so_far().lost), (0, 6));
}

#[test]
fn a_printed_position_is_known_after_that() {
    let mut audit = MessageAudit::default();
    assert!(audit.is_new_position(Role::Viewer, "a", 1) && audit.is_new_position(Role::Viewer, "a", 2));
    assert!(audit.is_new_position(Role::Publisher, "a", 1) && audit.is_new_position(Role::Viewer, "b", 1));
    assert!(!audit.is_new_position(Role::Viewer, "a", 2));
    let repeated = MessageCounts { repeated_positions: 1, ..MessageCounts::default() };
    assert_eq!(audit.counts_so_far(), repeated);
}

#[test]
fn a_killed_sender_loses_its_last_messages_but_leaves_no_gap() {
    let mut audit = audit(6, &[(1, 1), (3, 1)], DeliveryGuarantee::WhileAlive);
    audit.on_killed(SENDER);
    let counts = audit.final_counts();
    assert_eq!((counts.lost, counts.lost_with_sender, audit.undelivered()), (1, 3, 1));
}

#[test]
fn a_killed_sender_with_a_disk_loses_only_what_it_had_not_accepted() {
    let mut audit = audit(4, &[(1, 1)], DeliveryGuarantee::Durable);
    audit.on_accepted(SENDER, 3);
    audit.on_killed(SENDER);
    assert_eq!((audit.final_counts().lost, audit.final_counts().lost_with_sender), (2, 1));
    assert_eq!((audit.undelivered(), audit.in_transit()), (2, 2));
}

#[test]
fn the_successor_of_a_receiver_may_receive_the_end_again() {
    let counts = |arrivals: &[(u64, u32)], guarantee| audit(3, arrivals, guarantee).final_counts();
    let once = counts(&[(1, 1), (2, 1), (2, 2), (3, 2)], DeliveryGuarantee::WhileAlive);
    assert_eq!((once.duplicated, once.repeated_after_kill, once.lost), (0, 1, 0));
    let twice = counts(&[(1, 1), (2, 1), (2, 2), (2, 2), (3, 2)], DeliveryGuarantee::WhileAlive);
    assert_eq!((twice.duplicated, twice.repeated_after_kill), (1, 1));
    let durable = counts(&[(1, 1), (2, 1), (2, 2), (3, 2)], DeliveryGuarantee::Durable);
    assert_eq!((durable.duplicated, durable.repeated_after_kill), (1, 0));
}

#[test]
fn only_between_a_receiver_and_its_successor_may_be_a_gap() {
    let counts = |sent, arrivals: &[(u64, u32)], guarantee| audit(sent, arrivals, guarantee).final_counts();
    let between = counts(4, &[(1, 1), (3, 2), (4, 2)], DeliveryGuarantee::WhileAlive);
    assert_eq!((between.lost, between.lost_with_receiver), (0, 1));
    let later = counts(5, &[(1, 1), (2, 2), (5, 2)], DeliveryGuarantee::WhileAlive);
    assert_eq!((later.lost, later.lost_with_receiver), (2, 0));
    let durable = counts(4, &[(1, 1), (3, 2), (4, 2)], DeliveryGuarantee::Durable);
    assert_eq!((durable.lost, durable.lost_with_receiver), (1, 0));
}

#[test]
fn without_acknowledgements_an_outage_may_lose_what_was_sent_until_it_was_over() {
    let mut audit = audit(2, &[], DeliveryGuarantee::BestEffort);
    audit.on_recovered(&audit.sent_numbers());
    audit.on_sent(SENDER, 4);
    receive(&mut audit, 3);
    audit.on_outage();
    audit.on_sent(SENDER, 6);
    let sent = audit.sent_numbers();
    receive(&mut audit, 6);
    audit.on_recovered(&sent);
    audit.on_sent(SENDER, 8);
    receive(&mut audit, 8);
    let counts = audit.final_counts();
    assert_eq!((counts.lost_in_outage, counts.lost, audit.undelivered()), (4, 1, 1));
}

#[test]
fn a_sender_that_detected_the_outage_holds_its_messages() {
    let mut audit = audit(1, &[(1, 1)], DeliveryGuarantee::BestEffort);
    audit.on_recovered(&audit.sent_numbers());
    audit.on_outage();
    audit.on_sent(SENDER, 2);
    audit.on_detected(SENDER);
    audit.on_sent(SENDER, 3);
    audit.on_recovered(&audit.sent_numbers());
    let counts = audit.final_counts();
    assert_eq!((counts.lost_in_outage, counts.lost), (1, 1));
}

#[test]
fn between_peers_that_acknowledge_an_outage_loses_nothing() {
    let mut audit = audit(1, &[(1, 1)], DeliveryGuarantee::WhileAlive);
    audit.on_outage();
    audit.on_sent(SENDER, 2);
    audit.on_recovered(&audit.sent_numbers());
    assert_eq!((audit.final_counts().lost_in_outage, audit.final_counts().lost), (0, 1));
}

/// An audit of numbers up to `sent`, of which these arrived at processes of the viewer with these numbers.
fn audit(sent: u64, arrived: &[(u64, u32)], guarantee: DeliveryGuarantee) -> MessageAudit {
    let mut audit = MessageAudit::new(guarantee);
    audit.on_sent(SENDER, sent);
    for &(number, process) in arrived {
        let receiver = ProcessId { number: process, ..RECEIVER };
        audit.on_received(NumberedMessage { sender: SENDER, number }, receiver);
    }
    audit
}

fn receive(audit: &mut MessageAudit, number: u64) {
    audit.on_received(NumberedMessage { sender: SENDER, number }, RECEIVER);
}
