//! Tickets among threads, which the kernel's locks treat as it treats processes.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use super::*;

const PATIENCE: Duration = Duration::from_secs(60);

fn tickets() -> (tempfile::TempDir, Tickets) {
    let place = tempfile::tempdir().unwrap();
    let tickets = Tickets::at(place.path().join("turns"));
    (place, tickets)
}

fn is_served(ticket: &Ticket) -> bool {
    ticket.wait(Duration::ZERO).unwrap() == Waited::Served
}

#[test]
fn ten_that_take_twenty_turns_each_are_served_in_the_order_of_their_tickets() {
    let (_place, tickets) = tickets();
    let served = Arc::new(Mutex::new(Vec::new()));
    let inside = Arc::new(AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..10 {
            let (tickets, served, inside) =
                (tickets.clone(), Arc::clone(&served), Arc::clone(&inside));
            scope.spawn(move || {
                for _ in 0..20 {
                    let ticket = tickets.draw(Sharing::Alone, "one of ten").unwrap();
                    assert_eq!(ticket.wait(PATIENCE).unwrap(), Waited::Served);
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two at once");
                    served.lock().unwrap().push(ticket.number);
                    inside.fetch_sub(1, Ordering::SeqCst);
                }
            });
        }
    });
    let served = served.lock().unwrap();
    assert_eq!(*served, (1..=200).collect::<Vec<u64>>());
}

#[test]
fn who_shares_waits_for_who_is_alone_and_not_for_each_other() {
    let (_place, tickets) = tickets();
    let draw = |sharing| tickets.draw(sharing, "me").unwrap();
    let [one, other] = [draw(Sharing::Shared), draw(Sharing::Shared)];
    assert!(is_served(&one) && is_served(&other));
    let alone = draw(Sharing::Alone);
    let late = draw(Sharing::Shared);
    // Nobody overtakes one that waits alone, or it would wait for ever.
    assert!(!is_served(&alone) && !is_served(&late));
    drop(one);
    assert!(!is_served(&alone));
    drop(other);
    assert_eq!(alone.wait(PATIENCE).unwrap(), Waited::Served);
    assert!(!is_served(&late));
    drop(alone);
    assert_eq!(late.wait(PATIENCE).unwrap(), Waited::Served);
}

#[test]
fn the_holder_is_named_with_the_time_that_it_has_had() {
    let (_place, tickets) = tickets();
    let first = tickets
        .draw(Sharing::Alone, "process 12: cargo\ntest")
        .unwrap();
    assert!(is_served(&first));
    let second = tickets.draw(Sharing::Alone, "me").unwrap();
    let Waited::Behind(holder) = second.wait(Duration::from_millis(20)).unwrap() else {
        panic!("two are served at once");
    };
    assert_eq!(holder.who, "process 12: cargo test");
    assert!(holder.held >= Duration::from_millis(20), "{holder:?}");
}

#[test]
fn a_dead_ticket_is_skipped_and_taken_away() {
    let (place, tickets) = tickets();
    drop(tickets.draw(Sharing::Alone, "me").unwrap());
    let dead = place.path().join("turns/00000000000000000000.alone");
    fs::write(&dead, "process 1: killed\n1.5\n").unwrap();
    let ticket = tickets.draw(Sharing::Shared, "me").unwrap();
    assert!(is_served(&ticket));
    assert!(!dead.exists());
}

#[test]
fn a_counter_that_was_damaged_goes_on_behind_those_who_wait() {
    let (place, tickets) = tickets();
    let _first = tickets.draw(Sharing::Alone, "me").unwrap();
    let second = tickets.draw(Sharing::Alone, "me").unwrap();
    fs::write(place.path().join("turns/last"), "nonsense").unwrap();
    let third = tickets.draw(Sharing::Alone, "me").unwrap();
    let numbers: BTreeSet<u64> = [second.number, third.number].into();
    assert_eq!(numbers, [2, 3].into());
}

#[test]
fn who_waits_is_woken_when_the_one_before_it_goes() {
    let (_place, tickets) = tickets();
    let first = tickets.draw(Sharing::Alone, "me").unwrap();
    assert!(is_served(&first));
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        let second = tickets.draw(Sharing::Alone, "me").unwrap();
        scope.spawn(move || sender.send(second.wait(PATIENCE)).unwrap());
        drop(first);
        assert_eq!(
            receiver.recv_timeout(PATIENCE).unwrap().unwrap(),
            Waited::Served
        );
    });
}
