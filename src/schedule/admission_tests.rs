//! The lane's door in simulated time.

use super::*;
use crate::model::{AttemptId, Lane, SlotId};
use crate::schedule::{Action, Ending, Laps, Limits, Needs, News, Order, Scheduler, Trial, Width};

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

fn door() -> Admission {
    let mut door = Admission::new(AdmissionRules {
        fresh: seconds(5),
        pause: seconds(5),
        settle: seconds(60),
        faults: 3,
    });
    door.used(seconds(0), Health::Answered, false);
    door
}

/// Looks for as long as it is not well, and says when it looked and what turned, up to `until`.
fn looks(door: &mut Admission, from: u64, until: u64, alone: bool) -> Vec<(u64, Option<Turned>)> {
    let mut looks = Vec::new();
    for second in from..until {
        if door.begin_look(seconds(second), alone) {
            looks.push((second, door.looked(seconds(second), Sight::Unwell)));
        }
    }
    looks
}

#[test]
fn short_scripts_one_after_another_are_never_looked_for() {
    let mut door = door();
    for second in 1..1000 {
        assert!(door.admits(seconds(second)));
        assert!(!door.begin_look(seconds(second), true));
        assert_eq!(door.used(seconds(second), Health::Answered, false), None);
    }
}

#[test]
fn an_answer_that_is_old_is_asked_for_again_and_once() {
    let mut door = door();
    assert!(door.admits(seconds(4)) && !door.admits(seconds(5)));
    assert!(door.begin_look(seconds(5), false));
    assert!(!door.begin_look(seconds(5), false), "one look at a time");
    assert_eq!(door.looked(seconds(6), Sight::Well), None);
    assert!(door.admits(seconds(6)) && door.next_wake().is_none());
}

#[test]
fn an_end_that_tells_nothing_is_no_answer_and_takes_none_away_and_one_in_doubt_does() {
    let mut door = door();
    door.used(seconds(3), Health::Unused, false);
    assert!(door.admits(seconds(4)) && !door.admits(seconds(7)));
    door.used(seconds(3), Health::Doubtful, false);
    assert!(!door.admits(seconds(4)));
}

#[test]
fn a_machine_without_room_is_looked_at_before_the_next_start() {
    let mut door = door();
    for health in [Health::Answered, Health::Unused] {
        door.used(seconds(1), Health::Answered, false);
        door.used(seconds(1), health, true);
        assert!(!door.admits(seconds(1)), "{health:?}");
    }
    assert!(door.begin_look(seconds(1), false));
    assert_eq!(door.looked(seconds(1), Sight::Unwell), Some(Turned::Waits));
}

#[test]
fn the_lane_waits_and_the_circuit_is_broken_when_it_has_waited_too_long() {
    let mut door = door();
    let looks = looks(&mut door, 10, 100, false);
    assert_eq!(looks[0], (10, Some(Turned::Waits)));
    let broken: Vec<u64> = looks
        .iter()
        .filter(|look| look.1 == Some(Turned::Broken))
        .map(|look| look.0)
        .collect();
    assert_eq!(broken, [70]);
    // Every 5 s, before and after.
    assert_eq!(
        looks.iter().map(|look| look.0).collect::<Vec<_>>(),
        (10..100).step_by(5).collect::<Vec<_>>()
    );
    assert!(!door.is_hopeless(false));
}

#[test]
fn a_wait_ends_when_all_is_well_again() {
    let mut door = door();
    looks(&mut door, 10, 21, false);
    assert_eq!(door.next_wake(), Some(seconds(25)));
    assert!(door.begin_look(seconds(25), false));
    assert_eq!(door.looked(seconds(25), Sight::Well), Some(Turned::Admits));
    assert!(door.admits(seconds(25)));
}

#[test]
fn faults_in_a_row_break_the_circuit_and_an_answer_between_does_not_let_them_add_up() {
    let mut door = door();
    for health in [
        Health::Faulted,
        Health::Faulted,
        Health::Answered,
        Health::Faulted,
        Health::Faulted,
    ] {
        assert_eq!(door.used(seconds(1), health, false), None);
    }
    assert_eq!(
        door.used(seconds(2), Health::Faulted, false),
        Some(Turned::Broken)
    );
    assert_eq!(
        door.used(seconds(2), Health::Faulted, false),
        None,
        "it is told once"
    );
    assert!(
        !door.begin_look(seconds(3), false),
        "there is other work meanwhile"
    );
    assert!(door.begin_look(seconds(7), false));
}

#[test]
fn an_engine_that_answers_and_does_nothing_is_given_up() {
    let mut door = door();
    let mut broken = 0;
    for second in 1..1000 {
        if door.admits(seconds(second)) {
            broken += u32::from(door.used(seconds(second), Health::Faulted, false).is_some());
        } else if door.begin_look(seconds(second), true) {
            door.looked(seconds(second), Sight::Well);
        }
        if door.is_hopeless(true) {
            assert_eq!(broken, 3);
            return;
        }
    }
    panic!("it is tried for ever");
}

#[test]
fn with_nothing_else_to_do_there_is_one_last_look() {
    let mut door = door();
    for _ in 0..3 {
        door.used(seconds(1), Health::Faulted, false);
    }
    assert!(door.is_broken() && !door.is_hopeless(true));
    assert!(door.begin_look(seconds(1), true), "at once");
    assert!(!door.is_hopeless(true), "it is on its way");
    assert_eq!(door.looked(seconds(11), Sight::Unwell), None);
    assert!(door.is_hopeless(true) && !door.is_hopeless(false));
}

#[test]
fn without_any_patience_the_first_bad_look_breaks_the_circuit() {
    let mut door = Admission::new(AdmissionRules {
        settle: Duration::ZERO,
        ..door().rules
    });
    assert!(door.begin_look(seconds(1), false));
    assert_eq!(door.looked(seconds(1), Sight::Unwell), Some(Turned::Broken));
}

/// A schedule of these lanes, one attempt at once in each, behind a door; the engine is there and one slot is up.
fn schedule(lanes: &[Lane]) -> Scheduler {
    let trials = (1..).zip(lanes).map(|(number, lane)| Trial {
        number,
        needs: Needs {
            lane: *lane,
            cpus: 1,
            exclusive: false,
            groups: Vec::new(),
        },
        expected: None,
    });
    let one = Width::MIN;
    let limits = Limits {
        plain: one,
        together: Some(one),
        groups: Vec::new(),
    };
    let laps = Laps::default();
    let mut schedule =
        Scheduler::new(trials, limits, laps, Order::Given).with_admission(door().rules);
    schedule.begin();
    let used = News::Used {
        health: Health::Answered,
        short: false,
    };
    schedule.step(seconds(0), used);
    schedule.step(seconds(0), News::EngineReady(one));
    schedule
}

fn id(trial: u32) -> AttemptId {
    AttemptId {
        trial,
        lap: 1,
        attempt: 1,
    }
}

const SLOT: SlotId = SlotId(1);

/// The attempt began and is over now; what is done then.
fn over(schedule: &mut Scheduler, now: u64, trial: u32, health: Health) -> Vec<Action> {
    let attempt = id(trial);
    let mut actions = schedule.step(seconds(now), News::Started(attempt));
    let used = News::Used {
        health,
        short: false,
    };
    actions.extend(schedule.step(seconds(now), used));
    let ending = Ending::Fine;
    actions.extend(schedule.step(seconds(now), News::Ended { attempt, ending }));
    actions
}

fn looked(schedule: &mut Scheduler, now: u64, sight: Sight) -> Vec<Action> {
    schedule.step(seconds(now), News::Looked(sight))
}

#[test]
fn after_an_end_in_doubt_the_next_attempt_waits_for_a_look() {
    use Lane::Container;
    let mut schedule = schedule(&[Container, Container, Container]);
    let begun = schedule.step(seconds(1), News::SlotOpened(SLOT));
    assert_eq!(begun, [Action::Assign(SLOT, id(1))]);
    let next = over(&mut schedule, 50, 1, Health::Answered);
    assert_eq!(next, [Action::Settle(1), Action::Assign(SLOT, id(2))]);
    let next = over(&mut schedule, 90, 2, Health::Doubtful);
    assert_eq!(next, [Action::Settle(2), Action::Look]);
    assert_eq!(schedule.step(seconds(91), News::Tick), []);
    assert_eq!(
        looked(&mut schedule, 92, Sight::Well),
        [Action::Assign(SLOT, id(3))]
    );
}

#[test]
fn plain_attempts_go_on_before_a_broken_circuit_and_a_last_look_closes_it() {
    use Lane::{Container, Plain};
    for sight in [Sight::Well, Sight::Unwell] {
        let mut schedule = schedule(&[Container, Container, Plain]);
        schedule.step(seconds(1), News::SlotOpened(SLOT));
        let next = over(&mut schedule, 10, 1, Health::Doubtful);
        // The plain one does not wait for the look.
        assert_eq!(
            next,
            [Action::Settle(1), Action::Look, Action::Assign(SLOT, id(3))]
        );
        schedule.step(seconds(10), News::Started(id(3)));
        assert_eq!(
            looked(&mut schedule, 20, Sight::Unwell),
            [Action::Turned(Turned::Waits)]
        );
        assert_eq!(schedule.next_wake(), Some(seconds(25)));
        // There is no room for a container attempt while the plain one runs: nobody looks.
        assert_eq!(schedule.step(seconds(80), News::Tick), []);
        let next = over(&mut schedule, 90, 3, Health::Unused);
        assert_eq!(next, [Action::Settle(3), Action::Look]);
        let broken = looked(&mut schedule, 91, Sight::Unwell);
        assert_eq!(broken, [Action::Turned(Turned::Broken), Action::Look]);
        let last = looked(&mut schedule, 92, sight);
        let expected = match sight {
            Sight::Well => vec![Action::Turned(Turned::Admits), Action::Assign(SLOT, id(2))],
            Sight::Unwell => vec![Action::Drop(id(2)), Action::Settle(2), Action::Finish],
        };
        assert_eq!(last, expected, "{sight:?}");
    }
}

#[test]
fn a_cancelled_run_waits_for_no_engine() {
    use Lane::Container;
    let mut schedule = schedule(&[Container, Container]);
    schedule.step(seconds(1), News::SlotOpened(SLOT));
    over(&mut schedule, 10, 1, Health::Doubtful);
    let next = schedule.step(seconds(11), News::Cancelled);
    assert_eq!(
        next,
        [Action::Drop(id(2)), Action::Settle(2), Action::Finish]
    );
    assert_eq!(schedule.next_wake(), None);
}
