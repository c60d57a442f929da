//! The record's promises: nothing is lost, version 1 stays readable, damage is survived.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::record::Line;
use super::*;
use crate::model::samples::{self, every_kind};
use crate::model::{
    AttemptId, Bytes, Conclusion, Event, Failure, Movement, Outcome, Place, Policy, RunId, Timeout,
    Verdict,
};

const VERSION_1: &str = include_str!("version-1.jsonl");

fn run(text: &str) -> RunId {
    text.parse().unwrap()
}

fn at(index: usize) -> Duration {
    Duration::from_millis(250 * u64::try_from(index).unwrap())
}

/// A record of one event of every kind, in a folder of its own.
fn recorded(state: &Path, id: &str) -> PathBuf {
    let mut recorder = Recorder::create(state, &run(id), Duration::from_secs(1_795_219_200));
    for (index, event) in every_kind().iter().enumerate() {
        recorder.append(at(index), event);
        if index % 3 == 0 {
            assert_eq!(recorder.write(), None);
        }
    }
    recorder.path().to_owned()
}

#[test]
fn version_1_is_written_as_it_always_was() {
    let state = tempfile::tempdir().unwrap();
    let written = fs::read_to_string(recorded(state.path(), "a-1")).unwrap();
    assert_eq!(written, VERSION_1, "a changed line breaks old readers");
}

#[test]
fn tries_and_laps_are_written_as_they_always_were() {
    let lines: Vec<String> = samples::tried()
        .iter()
        .map(|event| serde_json::to_string(event).unwrap() + "\n")
        .collect();
    insta::assert_snapshot!(lines.concat(), @r#"
    {"event":"attempt_ended","attempt":"1.1.1","report":{"outcome":{"failed":{"place":{"file":"fixtures/exit.txtar","line":3,"text":"exec false"},"message":"unexpected command failure"}},"log":"","log_file":"","timings":{"script":1.25,"held":0.0,"ladder":0.0},"cleanup":{"removed":[],"gone":[],"kept":[],"leftovers":[],"duration":0.0},"ended":[],"leaks":[],"engine_calls":1,"machine":{"cpu_stall_us":null,"memory_stall_us":null,"io_stall_us":null,"oom_kills":null,"disk_free_bytes":null},"work_dir":"","failed":{"exit":125,"stderr":"Error: layer not known\n","call":{"engine":"podman","command":"build","direct":true}}},"judgement":{"verdict":"failed","kind":"podman-layer-not-known","known":{"signature":"podman-layer-not-known","class":"stale-state","cause":"a layer was removed under a reader","remedy":"one more try"},"again":{"after":0.612,"why":"it may pass by itself","for_signature":true}}}
    {"event":"trial_settled","trial":1,"verdict":"hung","reason":"","bearing":{"quarantined":{"reason":"DNS","issue":"example/project#7","until":"2026-12-31"}},"tally":{"laps":20,"passed":18,"flaky":1,"skipped":0,"kinds":[{"kind":"hang/pipe-held","laps":2,"first":"1.1.1","hang_file":"hangs/a.json"}],"rate":[0.698964,0.972132],"took":{"median":1.0,"p90":2.0,"longest":3.0}}}
    "#);
}

#[test]
fn version_1_is_read_back() {
    let state = tempfile::tempdir().unwrap();
    let path = state.path().join("a-1.jsonl");
    fs::write(&path, VERSION_1).unwrap();
    let record = read(&path).unwrap();
    let events: Vec<Event> = record
        .events
        .iter()
        .map(|(_, event)| event.clone())
        .collect();
    assert_eq!(events, every_kind());
    assert_eq!(record.events[3].0, at(3));
    assert_eq!(record.unix, Duration::from_secs(1_795_219_200));
    assert_eq!(record.notes(), Vec::<String>::new());
}

#[test]
fn a_field_that_is_not_known_yet_is_passed_over() {
    let line = r#"{"at":1.0,"event":"cancelled","signal":2,"by":"someone"}"#;
    let line: Line<Event> = serde_json::from_str(line).unwrap();
    assert_eq!(line.event, Event::Cancelled { signal: 2 });
}

#[test]
fn a_record_cut_anywhere_is_readable_up_to_there() {
    let state = tempfile::tempdir().unwrap();
    let path = state.path().join("a-1.jsonl");
    let whole = VERSION_1.as_bytes();
    for end in (0..whole.len()).step_by(5) {
        fs::write(&path, &whole[..end]).unwrap();
        let record = read(&path).unwrap();
        let lines = whole[..end].split(|byte| *byte == b'\n').count() - 1;
        assert_eq!(
            (record.events.len(), record.damaged),
            (lines, 0),
            "cut at {end}"
        );
        assert_eq!(record.torn, end > 0 && whole[end - 1] != b'\n');
    }
}

#[test]
fn damaged_lines_are_skipped_and_counted() {
    let state = tempfile::tempdir().unwrap();
    let path = state.path().join("a-1.jsonl");
    let mut file = fs::File::create(&path).unwrap();
    for line in VERSION_1.lines() {
        writeln!(file, "{line}\nrubbish \u{0}\n").unwrap();
    }
    let record = read(&path).unwrap();
    let kinds = every_kind().len();
    assert_eq!((record.events.len(), record.damaged), (kinds, 2 * kinds));
    assert!(
        record.notes()[0].contains("damaged lines"),
        "{:?}",
        record.notes()
    );
}

#[test]
fn a_newer_record_says_so_even_when_its_first_line_is_not_understood() {
    let state = tempfile::tempdir().unwrap();
    let path = state.path().join("a-1.jsonl");
    fs::write(
        &path,
        "{\"at\":0,\"event\":\"run_started\",\"version\":2}\n",
    )
    .unwrap();
    let record = read(&path).unwrap();
    assert_eq!(record.newer, Some(2));
    assert!(
        record.notes()[0].contains("version 2"),
        "{:?}",
        record.notes()
    );
}

#[test]
fn a_record_that_cannot_be_written_warns_once_and_breaks_nothing() {
    let state = tempfile::tempdir().unwrap();
    let blocked = state.path().join("file");
    fs::write(&blocked, "").unwrap();
    let mut recorder = Recorder::create(&blocked, &run("a-1"), Duration::ZERO);
    let event = Event::Cancelled { signal: 2 };
    recorder.append(Duration::ZERO, &event);
    let warning = recorder.write().unwrap();
    assert!(warning.contains("file/runs/a-1.jsonl"), "{warning}");
    recorder.append(Duration::ZERO, &event);
    assert_eq!(recorder.write(), None);
    assert!(!recorder.is_whole());
}

#[test]
fn a_run_never_writes_into_the_record_of_another() {
    let state = tempfile::tempdir().unwrap();
    let path = recorded(state.path(), "a-1");
    let mut second = Recorder::create(state.path(), &run("a-1"), Duration::ZERO);
    second.append(Duration::ZERO, &samples::run_started());
    assert!(second.write().is_some());
    assert_eq!(fs::read_to_string(path).unwrap(), VERSION_1);
}

#[test]
fn the_state_folder_ignores_itself_and_leaves_a_file_of_the_users_alone() {
    let state = tempfile::tempdir().unwrap();
    let ignore = state.path().join(".gitignore");
    recorded(state.path(), "a-1");
    assert_eq!(fs::read_to_string(&ignore).unwrap(), "*\n");
    fs::write(&ignore, "mine\n").unwrap();
    recorded(state.path(), "a-2");
    assert_eq!(fs::read_to_string(&ignore).unwrap(), "mine\n");
}

#[track_caller]
fn check_retain(limits: Retention, live: &[&str], kept: &[&str]) {
    let state = tempfile::tempdir().unwrap();
    for id in ["a-1", "a-2", "a-3", "a-4"] {
        recorded(state.path(), id);
        fs::create_dir(logs_dir(state.path(), &run(id))).unwrap();
        fs::write(logs_dir(state.path(), &run(id)).join("x.log"), "log").unwrap();
    }
    fs::write(runs_dir(state.path()).join("notes.txt"), "mine").unwrap();
    retain(state.path(), limits, &|run| live.contains(&run.as_str())).unwrap();
    let left = runs(state.path()).unwrap();
    assert_eq!(left, kept.iter().map(|id| run(id)).collect::<Vec<_>>());
    let entries = fs::read_dir(runs_dir(state.path())).unwrap().count();
    assert_eq!(
        entries,
        2 * kept.len() + 1,
        "logs go with their record, and nothing else goes"
    );
}

#[test]
fn the_oldest_records_go_but_never_a_live_one_nor_the_latest() {
    let limits = |runs, bytes| Retention { runs, bytes };
    check_retain(limits(10, u64::MAX), &[], &["a-1", "a-2", "a-3", "a-4"]);
    check_retain(limits(2, u64::MAX), &[], &["a-3", "a-4"]);
    check_retain(limits(2, u64::MAX), &["a-1"], &["a-1", "a-3", "a-4"]);
    check_retain(limits(0, 0), &[], &["a-4"]);
    let two = 2 * (u64::try_from(VERSION_1.len()).unwrap() + 3);
    check_retain(limits(10, two), &[], &["a-3", "a-4"]);
}

#[test]
fn the_latest_run_is_the_last_one_and_no_folder_is_no_error() {
    let state = tempfile::tempdir().unwrap();
    assert_eq!(latest(state.path()).unwrap(), None);
    recorded(state.path(), "b-1");
    recorded(state.path(), "a-2");
    assert_eq!(latest(state.path()).unwrap(), Some(run("b-1")));
}

#[test]
fn a_long_log_is_whole_in_a_file_and_cut_in_the_record() {
    let state = tempfile::tempdir().unwrap();
    let id = samples::attempt(3, 1);
    let short = store_log(state.path(), &run("a-1"), "x", id, b"short".to_vec());
    assert_eq!(
        (short.log, short.file),
        (Bytes::from("short"), String::new())
    );

    let whole: Vec<u8> = (0..20_000)
        .flat_map(|line| format!("{line}\n").into_bytes())
        .collect();
    let stored = store_log(state.path(), &run("a-1"), "../a b/é", id, whole.clone());
    assert!(
        stored.file.ends_with("runs/a-1/_a_b__-3.1.1.log"),
        "{}",
        stored.file
    );
    assert_eq!(fs::read(&stored.file).unwrap(), whole);
    let log = stored.log.lossy();
    assert!(log.starts_with("0\n1\n") && log.ends_with("\n19999\n") && log.len() < 60_000);
    assert!(log.contains("\n\n[… "), "cut at a line end");
}

fn text() -> impl Strategy<Value = String> {
    any::<String>()
}

/// Durations that a run can have, to the nanosecond.
fn duration() -> impl Strategy<Value = Duration> {
    (0_u64..1_000_000, 0_u32..1_000_000_000).prop_map(|(secs, nanos)| Duration::new(secs, nanos))
}

fn place() -> impl Strategy<Value = Place> {
    let text_of_line = any::<Vec<u8>>();
    (text(), any::<u32>(), text_of_line).prop_map(|(file, line, text)| Place {
        file,
        line,
        text: Bytes(text),
    })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let hang = samples::hang().outcome;
    let Outcome::TimedOut(hang) = hang else {
        unreachable!("it is a hang")
    };
    prop_oneof![
        Just(Outcome::Passed),
        Just(Outcome::Cancelled),
        Just(samples::faulted()),
        text().prop_map(|reason| Outcome::Skipped { reason }),
        (place(), text()).prop_map(|(place, message)| Outcome::Failed(Failure {
            place,
            message: message.into()
        })),
        (place(), duration(), text()).prop_map(move |(place, line_elapsed, why)| {
            let movement = Movement::Unknown { why };
            Outcome::TimedOut(Box::new(Timeout {
                place,
                line_elapsed,
                movement,
                ..(*hang).clone()
            }))
        }),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let attempt = (1_u32.., 1_u32.., 1_u32..).prop_map(|(trial, lap, attempt)| AttemptId {
        trial,
        lap,
        attempt,
    });
    let verdict = prop_oneof![
        Just(Verdict::Passed),
        Just(Verdict::NotRun),
        Just(Verdict::Flaky)
    ];
    let ended = (attempt.clone(), outcome(), any::<Vec<u8>>(), duration());
    prop_oneof![
        proptest::sample::select(every_kind()),
        proptest::sample::select(samples::tried()),
        text().prop_map(|message| Event::Note { message }),
        text().prop_map(|message| Event::Warning { message }),
        (attempt.clone(), text())
            .prop_map(|(attempt, command)| Event::AttemptHeld { attempt, command }),
        (attempt.clone(), text(), duration()).prop_map(|(attempt, command, waited)| {
            Event::GatePassed {
                attempt,
                command,
                waited,
                opened: waited,
                held: waited,
            }
        }),
        (attempt, duration())
            .prop_map(|(attempt, waited)| Event::AttemptAdmitted { attempt, waited }),
        ended.prop_map(|(attempt, outcome, log, script)| {
            let mut report = samples::report(outcome, "");
            report.log = Bytes(log);
            report.timings.script = script;
            Event::AttemptEnded {
                attempt,
                report: Box::new(report),
                judgement: None,
            }
        }),
        (any::<u32>(), verdict, text())
            .prop_map(|(trial, verdict, reason)| Event::settled(trial, verdict, reason)),
        duration().prop_map(|duration| Event::RunEnded {
            conclusion: Conclusion::Failed,
            duration
        }),
        (text(), text()).prop_map(|(version, reason)| {
            let mut facts = samples::podman();
            facts.version = version;
            Event::Engine(crate::model::EngineState::Selected {
                facts: Box::new(facts),
                policy: Policy::Gated,
                reason,
                images: std::collections::BTreeMap::new(),
            })
        }),
    ]
}

proptest! {
    #[test]
    fn any_event_is_read_back_as_it_was_written(event in event()) {
        let mut bytes = Vec::new();
        Line { at: 1.5, unix: None, event: &event }.add_to(&mut bytes).unwrap();
        prop_assert_eq!(bytes.split(|byte| *byte == b'\n').count(), 2);
        let line: Line<Event> = serde_json::from_slice(&bytes).unwrap();
        prop_assert_eq!(line.event, event);
    }
}
