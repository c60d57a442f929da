//! stdout, held against real libtest (pretty, terse, lists) and `libtest_mimic::run` (json).

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::{Arguments, Completion, Failed, FormatSetting, Trial};

use super::written;
use crate::model::{Conclusion, Event, Outcome, Verdict, samples};
use crate::report::{Json, ListForm, Look, Passing, Pretty, Terse, list};

/// How a test of the imitated program ends.
#[derive(Clone, Copy)]
enum Ends {
    Well,
    /// Prints this and passes.
    Says(&'static str),
    /// Prints this and fails.
    Fails(&'static str),
    Ignored(&'static str),
}

/// In the order of names, which is the order in which one thread runs them.
const FEW: [(&str, Ends); 7] = [
    ("alpha", Ends::Well),
    ("beta", Ends::Ignored("")),
    ("delta", Ends::Fails("> exec false\n[exit status 1]\n")),
    ("eps", Ends::Ignored("no engine here")),
    ("gamma", Ends::Fails("")),
    ("omega", Ends::Says("all is well\n")),
    ("zeta", Ends::Well),
];

fn many() -> Vec<(String, Ends)> {
    (0..180)
        .map(|number| {
            let ends = match number {
                3 | 100 => Ends::Fails(""),
                50 => Ends::Ignored(""),
                _ => Ends::Well,
            };
            (format!("t{number:03}"), ends)
        })
        .collect()
}

fn few() -> Vec<(String, Ends)> {
    FEW.iter()
        .map(|(name, ends)| ((*name).to_owned(), *ends))
        .collect()
}

fn passing() -> Vec<(String, Ends)> {
    (0..87)
        .map(|number| (format!("t{number:03}"), Ends::Well))
        .collect()
}

/// The events of a run with these trials.
fn events(trials: &[(String, Ends)]) -> Vec<Event> {
    let mut events = vec![samples::run_started()];
    let numbered = || (1_u32..).zip(trials);
    events.extend(numbered().map(|(number, (name, _))| samples::planned(number, name)));
    for (number, (_, ends)) in numbered() {
        let (outcome, log, verdict) = match ends {
            Ends::Ignored(reason) => {
                events.push(samples::settled(number, Verdict::Ignored, reason));
                continue;
            }
            Ends::Well => (Outcome::Passed, "", Verdict::Passed),
            Ends::Says(log) => (Outcome::Passed, *log, Verdict::Passed),
            Ends::Fails(log) => (samples::failed("it"), *log, Verdict::Failed),
        };
        events.push(samples::started(number));
        events.push(samples::ended(number, samples::report(outcome, log)));
        events.push(samples::settled(number, verdict, ""));
    }
    events.push(samples::run_ended(Conclusion::Failed));
    events
}

/// A real test program that does the same.
fn program(trials: &[(String, Ends)], folder: &Path) -> PathBuf {
    let mut source = String::new();
    for (name, ends) in trials {
        let (attribute, body) = match ends {
            Ends::Ignored("") => ("#[ignore]".to_owned(), String::new()),
            Ends::Ignored(reason) => (format!("#[ignore = {reason:?}]"), String::new()),
            Ends::Well => (String::new(), String::new()),
            Ends::Says(log) => (String::new(), format!("print!({log:?})")),
            // A panic without a message: the log alone is shown.
            Ends::Fails(log) => {
                let panic = "std::panic::resume_unwind(Box::new(()))";
                (String::new(), format!("print!({log:?}); {panic}"))
            }
        };
        writeln!(source, "#[test] {attribute} fn {name}() {{ {body} }}").unwrap();
    }
    let (file, program) = (folder.join("t.rs"), folder.join("t"));
    std::fs::write(&file, source).unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "a compiler in a test, not a program of a script"
    )]
    let status = Command::new("rustc")
        .args(["--test", "--edition", "2024", "-o"])
        .args([&program, &file])
        .status();
    assert!(status.unwrap().success());
    program
}

fn real(program: &Path, arguments: &[&str]) -> String {
    #[expect(clippy::disallowed_methods, reason = "the imitated program itself")]
    let output = Command::new(program).args(arguments).output().unwrap();
    // Of the three runs filtered out in the sample, the real program knows nothing.
    String::from_utf8(output.stdout)
        .unwrap()
        .replace("0 filtered out", "3 filtered out")
}

/// The only thing that is never the same twice.
fn without_time(text: &str) -> String {
    let time = regex::Regex::new(r#"finished in [0-9.]+s|"exec_time": [0-9.e-]+"#).unwrap();
    time.replace(text, "TIME").into_owned()
}

#[track_caller]
fn check(real: &str, ours: &str) {
    assert_eq!(without_time(ours), without_time(real));
}

#[test]
fn pretty_and_terse_are_what_real_libtest_prints() {
    for trials in [few(), many(), passing(), Vec::new()] {
        let folder = tempfile::tempdir().unwrap();
        let program = program(&trials, folder.path());
        let events = events(&trials);
        let shown = Look {
            passing: Passing::Shown,
            ..Look::default()
        };
        let one = "--test-threads=1";
        check(
            &real(&program, &[one]),
            &written(Pretty::report(Look::default()), &events),
        );
        check(
            &real(&program, &[one, "-q"]),
            &written(Terse::report(Look::default()), &events),
        );
        check(
            &real(&program, &[one, "--show-output"]),
            &written(Pretty::report(shown), &events),
        );
        check(
            &real(&program, &[one, "-q", "--show-output"]),
            &written(Terse::report(shown), &events),
        );

        let names = trials.iter().map(|(name, _)| name.as_str());
        for (form, arguments) in [
            (ListForm::Pretty, &["--list"][..]),
            (ListForm::Bare, &["--list", "--format", "terse"]),
        ] {
            let mut out = Vec::new();
            list(names.clone(), form, &mut out).unwrap();
            check(&real(&program, arguments), &String::from_utf8(out).unwrap());
        }
    }
}

/// What `libtest_mimic::run` prints of trials that end so.
fn mimic(trials: &[(String, Ends)], arguments: &Arguments) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    let trials = trials.iter().map(|(name, ends)| {
        let ends = *ends;
        let trial = Trial::ignorable_test(name, move || match ends {
            Ends::Well | Ends::Says(_) | Ends::Ignored(_) => Ok(Completion::Completed),
            Ends::Fails(log) => Err(Failed::from(log)),
        });
        trial.with_ignored_flag(matches!(ends, Ends::Ignored(_)))
    });
    let arguments = Arguments {
        logfile: Some(file.path().to_str().unwrap().to_owned()),
        test_threads: Some(1),
        ..arguments.clone()
    };
    assert!(libtest_mimic::run(&arguments, trials.collect()).num_passed < 1000);
    let text = std::fs::read_to_string(file.path()).unwrap();
    text.replace(r#""filtered_out": 0"#, r#""filtered_out": 3"#)
}

#[test]
fn json_is_what_libtest_mimic_prints() {
    let mut trials = few();
    let odd = "quote \" backslash \\ tab\t bell\u{7} é\n";
    trials.push((odd.trim_end().to_owned(), Ends::Fails(odd)));
    trials.retain(|(_, ends)| !matches!(ends, Ends::Fails("")));
    let json = Arguments {
        format: Some(FormatSetting::Json),
        ..Arguments::default()
    };
    let ours = written(Json::report(), &events(&trials));
    check(&mimic(&trials, &json), &ours);
    for line in ours.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    check(&mimic(&[], &json), &written(Json::report(), &events(&[])));
}

#[test]
fn colours_come_only_when_asked_for() {
    let look = Look {
        color: true,
        ..Look::default()
    };
    let pretty = written(Pretty::report(look), &events(&few()));
    assert!(
        pretty.contains("test alpha ... \x1b[32mok\x1b[0m\n"),
        "{pretty:?}"
    );
    assert!(pretty.contains("test eps ... \x1b[33mignored, no engine here\x1b[0m\n"));
    assert!(pretty.contains("test result: \x1b[31mFAILED\x1b[0m. "));
    let plain = written(Pretty::report(Look::default()), &events(&few()));
    assert!(!plain.contains('\x1b'));
}

#[test]
fn times_stand_where_libtest_puts_them() {
    let look = Look {
        times: true,
        ..Look::default()
    };
    let pretty = written(Pretty::report(look), &events(&few()));
    assert!(
        pretty.contains("test alpha ... ok <1.250s>\ntest beta ... ignored\n"),
        "{pretty}"
    );
}

#[track_caller]
fn check_failure(report: crate::model::AttemptReport, verdict: Verdict, expected: &str) {
    let events = [
        samples::planned(1, "exit"),
        samples::ended(1, report),
        samples::settled(1, verdict, ""),
        samples::run_ended(Conclusion::Failed),
    ];
    let text = written(Pretty::report(Look::default()), &events);
    let start = text.find("---- exit stdout ----\n").expect("a section");
    let end = text.rfind("\n\nfailures:\n").expect("a list");
    assert_eq!(text.get(start + 22..end), Some(expected));
}

#[test]
fn what_is_not_in_the_log_is_said_below_it() {
    check_failure(
        samples::report(samples::failed("no"), "log"),
        Verdict::Failed,
        "log\n",
    );
    check_failure(
        samples::hang(),
        Verdict::Hung,
        "> ! exec invowk cmd fail-command\n\
         fixtures/exit.txtar:25: `! exec invowk cmd fail-command` ran 41.8 s and nothing moved (deadline 43.0 s)\n",
    );
    check_failure(
        samples::report(samples::faulted(), ""),
        Verdict::Faulted,
        "fault of the engine: the engine did not answer within 10 s\nCannot connect to the Docker daemon\n",
    );
    let mut long = samples::report(samples::failed("no"), "cut\n");
    long.log_file = ".shakedown/runs/a-1/exit-1.1.1.log".to_owned();
    long.work_dir = "/tmp/w".to_owned();
    check_failure(
        long,
        Verdict::Failed,
        "cut\nthe whole log: .shakedown/runs/a-1/exit-1.1.1.log\nthe work directory: /tmp/w\n",
    );
}

#[test]
fn a_trial_that_never_started_says_why() {
    let events = [
        samples::planned(1, "exit"),
        samples::settled(1, Verdict::NotRun, "the engine is down"),
        samples::run_ended(Conclusion::Faulted),
    ];
    let text = written(Pretty::report(Look::default()), &events);
    assert!(
        text.contains("---- exit stdout ----\nnot run: the engine is down\n\n"),
        "{text}"
    );
}

#[test]
fn earlier_attempts_are_told_before_the_last_log() {
    let events = [
        samples::planned(1, "exit"),
        samples::ended(1, samples::report(samples::faulted(), "first\n")),
        samples::ended(1, samples::report(samples::failed("no"), "second\n")),
        samples::settled(1, Verdict::Failed, ""),
        samples::run_ended(Conclusion::Failed),
    ];
    let text = written(Pretty::report(Look::default()), &events);
    let expected = "---- exit stdout ----\nattempt 1: fault of the engine: the engine did not answer within 10 s\nsecond\n\n";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_reason_never_breaks_its_line() {
    let events = [
        samples::planned(1, "a"),
        samples::settled(1, Verdict::Skipped, "two\nlines\x1b[2J"),
    ];
    let text = written(Pretty::report(Look::default()), &events);
    assert_eq!(
        text,
        "\nrunning 1 test\ntest a ... ignored, two\\nlines\\u{1b}[2J\n"
    );
}
