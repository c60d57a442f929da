//! What reports tell of tries, laps, bearings.

use std::time::Duration;

use super::written;
use crate::model::{
    Again, Artefacts, AttemptId, AttemptReport, AttemptStart, Bearing, Conclusion, Event,
    FailureKind, Judgement, Known, Lane, Outcome, Quarantined, SlotId, Spread, Tally, TroubleClass,
    Verdict, samples,
};
use crate::report::{Json, Look, Pretty, Report, Talk, TalkLook, Terse};

fn id(lap: u32, attempt: u32) -> AttemptId {
    AttemptId {
        trial: 1,
        lap,
        attempt,
    }
}

fn begun(lap: u32, attempt: u32) -> Event {
    Event::AttemptStarted(AttemptStart {
        attempt: id(lap, attempt),
        slot: SlotId(1),
        lane: Lane::Plain,
        parallelism: 1,
        order: lap,
        deadline: Duration::from_secs(43),
    })
}

fn judged(attempt: AttemptId, report: AttemptReport, verdict: Verdict, kind: &str) -> Event {
    Event::AttemptEnded {
        attempt,
        report: Box::new(report),
        judgement: Some(Box::new(Judgement {
            verdict,
            kind: kind.to_owned(),
            known: None,
            again: None,
            refused: String::new(),
        })),
    }
}

fn passed(lap: u32) -> Event {
    let report = samples::report(Outcome::Passed, "> exec true\n");
    judged(id(lap, 1), report, Verdict::Passed, "")
}

fn failed(lap: u32, log: &str) -> Event {
    let report = samples::report(samples::failed("unexpected command failure"), log);
    judged(id(lap, 1), report, Verdict::Failed, "exit 1")
}

fn settled(verdict: Verdict, bearing: Bearing, tally: Option<Tally>) -> Event {
    Event::TrialSettled {
        trial: 1,
        verdict,
        reason: String::new(),
        bearing,
        tally: tally.map(Box::new),
    }
}

/// Two of three laps failed.
fn three_laps() -> Vec<Event> {
    let tally = Tally {
        laps: 3,
        passed: 1,
        flaky: 0,
        skipped: 0,
        kinds: vec![FailureKind {
            kind: "exit 1".to_owned(),
            laps: 2,
            first: id(2, 1),
            artefacts: Artefacts {
                log_file: "runs/r/1.2.1.log".to_owned(),
                ..Artefacts::default()
            },
        }],
        rate: (0.061_492, 0.792_345),
        fails_below: None,
        took: Some(Spread {
            median: Duration::from_millis(1250),
            p90: Duration::from_millis(1250),
            longest: Duration::from_millis(1250),
        }),
    };
    vec![
        samples::run_started(),
        samples::planned(1, "exit"),
        begun(1, 1),
        passed(1),
        begun(2, 1),
        failed(2, "> exec second\n"),
        begun(3, 1),
        failed(3, "> exec third\n"),
        settled(Verdict::Failed, Bearing::AsUsual, Some(tally)),
        samples::run_ended(Conclusion::Failed),
    ]
}

#[test]
fn laps_are_one_line_and_the_first_failure_of_each_kind() {
    insta::assert_snapshot!(written(Pretty::report(Look::default()), &three_laps()), @r"

    running 1 test
    test exit ... FAILED, 1/3 passed, 2 failed: 2 exit 1

    failures:

    ---- exit stdout ----
    1/3 passed, 2 failed: 2 exit 1
    pass rate 33 % (95 %: 6.1 % to 79 %); passes took 1.2 s (p50), 1.2 s (p90), 1.2 s (longest)

    first exit 1: lap 2, log runs/r/1.2.1.log
    > exec second


    failures:
        exit

    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 3 filtered out; finished in 44.90s
    ");
    insta::assert_snapshot!(written(Talk::new(TalkLook::default()), &three_laps()), @r"
    LAPS   exit: 1/3 passed, 2 failed: 2 exit 1
           pass rate 33 % (95 %: 6.1 % to 79 %); passes took 1.2 s (p50), 1.2 s (p90), 1.2 s (longest)
           first exit 1: lap 2, log runs/r/1.2.1.log
    run toui5c-3mvz: 1 failed in 44.9 s
    ");
}

#[test]
fn other_forms_keep_libtests_lines() {
    let terse = written(Terse::report(Look::default()), &three_laps());
    assert!(
        terse.starts_with("\nrunning 1 test\nexit --- FAILED\n"),
        "{terse}"
    );
    let json = written(Json::report(), &three_laps());
    let tests = json
        .lines()
        .filter(|line| line.contains(r#""type": "test""#));
    assert_eq!(tests.count(), 2, "{json}");
}

#[test]
fn a_terminal_has_one_line_that_is_taken_away_before_anything_else_is_written() {
    let look = TalkLook {
        width: Some(30),
        ..TalkLook::default()
    };
    let events = three_laps();
    let mut talk = Talk::new(look);
    let mut out = Vec::new();
    for event in &events[..7] {
        talk.event(Duration::ZERO, event, &mut out).unwrap();
    }
    let text = String::from_utf8(out.clone()).unwrap();
    assert!(
        text.ends_with("\r\x1b[2Klaps so far: exit 1/2 passed…"),
        "{text:?}"
    );
    out.clear();
    talk.hide(&mut out).unwrap();
    talk.hide(&mut out).unwrap();
    assert_eq!(out, b"\r\x1b[2K");
    // A run of single laps has no such line.
    let mut single = events;
    single.drain(4..8);
    let look = TalkLook {
        width: Some(30),
        ..TalkLook::default()
    };
    assert!(!written(Talk::new(look), &single).contains("so far"));
}

#[test]
fn without_a_terminal_the_laps_are_told_once_a_minute() {
    let mut talk = Talk::new(TalkLook::default());
    let mut out = Vec::new();
    let events = three_laps();
    for (seconds, event) in [0, 0, 1, 20, 59, 60, 61, 100].into_iter().zip(&events) {
        talk.event(Duration::from_secs(seconds), event, &mut out)
            .unwrap();
    }
    let text = String::from_utf8(out).unwrap();
    let told: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("laps"))
        .collect();
    assert_eq!(told, ["laps so far: exit 1/2 passed, 1 exit 1"]);
}

#[test]
fn a_try_is_told_with_its_log_and_with_what_is_known_of_it() {
    let report = samples::report(
        samples::failed("unexpected command failure"),
        "> exec once\n",
    );
    let again = Event::AttemptEnded {
        attempt: id(1, 1),
        report: Box::new(report),
        judgement: Some(Box::new(Judgement {
            verdict: Verdict::Failed,
            kind: "late-daemon".to_owned(),
            known: Some(Known {
                signature: "late-daemon".to_owned(),
                class: TroubleClass::Timing,
                cause: "it starts late".to_owned(),
                remedy: "wait for it".to_owned(),
            }),
            again: Some(Again {
                after: Duration::from_millis(500),
                why: "try 2 of 3".to_owned(),
                for_signature: false,
            }),
            refused: String::new(),
        })),
    };
    let second = samples::report(Outcome::Passed, "");
    let events = [
        samples::run_started(),
        samples::planned(1, "exit"),
        begun(1, 1),
        again,
        begun(1, 2),
        judged(id(1, 2), second, Verdict::Passed, ""),
        settled(Verdict::Flaky, Bearing::AsUsual, None),
        samples::run_ended(Conclusion::Passed),
    ];
    insta::assert_snapshot!(written(Talk::new(TalkLook::default()), &events), @r"
    KNOWN  exit: `late-daemon`: it starts late
           hint: wait for it
    RETRY  exit: fixtures/exit.txtar:3: unexpected command failure; again in 0.5 s: try 2 of 3
           > exec once
    FLAKY  exit passed after 1 try that did not
    run toui5c-3mvz: 1 flaky in 44.9 s
    ");
    let pretty = written(Pretty::report(Look::default()), &events);
    assert!(pretty.contains("test exit ... ok\n"), "{pretty}");
}

#[test]
fn a_bearing_changes_the_word_and_not_the_verdict() {
    let with = |verdict, bearing| {
        let events = [
            samples::run_started(),
            samples::planned(1, "exit"),
            begun(1, 1),
            failed(1, ""),
            settled(verdict, bearing, None),
            samples::run_ended(Conclusion::Passed),
        ];
        let pretty = written(Pretty::report(Look::default()), &events);
        let line = pretty.lines().find(|line| line.starts_with("test exit"));
        let talk = written(Talk::new(TalkLook::default()), &events);
        (
            line.unwrap().to_owned(),
            talk.lines().last().unwrap().to_owned(),
        )
    };
    let quarantined = Bearing::Quarantined(Quarantined {
        reason: "DNS".to_owned(),
        issue: "a/b#7".to_owned(),
        until: "2026-12-31".to_owned(),
    });
    let (line, tally) = with(Verdict::Failed, quarantined);
    assert_eq!(
        line,
        "test exit ... ignored, failed (quarantined until 2026-12-31: DNS, a/b#7)"
    );
    assert_eq!(tally, "run toui5c-3mvz: 1 failed (quarantined) in 44.9 s");
    let (line, tally) = with(Verdict::Flaky, Bearing::Fails);
    assert_eq!(line, "test exit ... FAILED");
    assert_eq!(tally, "run toui5c-3mvz: 1 flaky in 44.9 s");
}
