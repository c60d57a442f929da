//! Whole scripts, from their text to their log. Each family of commands has its own file.

mod additions;
mod check;
mod files;
mod flow;
mod forms;
mod goldens;
mod language;
mod matching;
mod programs;
mod terminals;
mod world;

use super::commands::variables as variables_of_the_manual;
use super::{
    AfterFailure, Demands, Detail, Executed, Golden, Length, Registry, ScriptEnding, Setup,
    environment, execute,
};
use crate::host::spares::Spares;
use crate::model::EngineKind;
use crate::script::{Dialect, Script, txtar};
use world::Machine;

/// A script's surroundings, to be changed by a test before it runs.
struct Case {
    setup: Setup,
    registry: Registry,
    machine: Machine,
    dialect: Dialect,
    /// The script with what `--update` makes of it.
    updated: Vec<u8>,
    quoted: Vec<String>,
    // Removed when the test is over.
    _work: tempfile::TempDir,
}

fn case() -> Case {
    let work = tempfile::tempdir().unwrap();
    Case {
        setup: Setup {
            work_dir: work.path().canonicalize().unwrap(),
            file: "a.txtar".to_owned(),
            search_path: b"/usr/local/bin:/usr/bin:/bin".to_vec(),
            go_variables: Vec::new(),
            engine_variables: Vec::new(),
            variables: Vec::new(),
            engine: None,
            sandboxed: false,
            tag: "sd-1".to_owned(),
            run_id: "run1".to_owned(),
            detail: Detail::Folded,
            after_failure: AfterFailure::Stop,
            length: Length::Whole,
            demands: Demands::default(),
            typed: Vec::new(),
            golden: Golden::Compare,
            spares: Spares::default(),
        },
        registry: Registry::default(),
        machine: Machine::new(),
        dialect: Dialect::Shakedown,
        updated: Vec::new(),
        quoted: Vec::new(),
        _work: work,
    }
}

impl Case {
    fn run(&mut self, text: &str) -> (ScriptEnding, String) {
        let (script, _) = Script::parse("a.txtar", text.as_bytes(), self.dialect);
        let Executed {
            ending,
            log,
            updates,
            quoted,
        } = execute(&script, &self.setup, &self.registry, &mut self.machine);
        self.updated = txtar::replace(text.as_bytes(), &updates);
        self.quoted = quoted;
        (ending, String::from_utf8_lossy(&log).into_owned())
    }

    #[track_caller]
    fn passes(&mut self, text: &str) {
        let (ending, log) = self.run(text);
        assert_eq!(ending, ScriptEnding::Passed, "{text}\n{log}");
    }

    #[track_caller]
    fn fails(&mut self, text: &str, wanted: &str) {
        let (ending, log) = self.run(text);
        let ScriptEnding::Failed(failure) = ending else {
            panic!("{ending:?}\n{log}");
        };
        assert_eq!(failure.message.lossy(), wanted, "{text}\n{log}");
        let line = format!("FAIL: a.txtar:{}: {wanted}\n", failure.place.line);
        assert!(log.contains(&line), "{log}");
    }

    #[track_caller]
    fn logs(&mut self, text: &str, wanted: &str) {
        let (_, log) = self.run(text);
        assert_eq!(log, wanted, "{text}");
    }
}

#[track_caller]
fn passes(text: &str) {
    case().passes(text);
}

#[track_caller]
fn fails(text: &str, wanted: &str) {
    case().fails(text, wanted);
}

#[track_caller]
fn logs(text: &str, wanted: &str) {
    case().logs(text, wanted);
}

/// One line each, and the words with which it fails.
#[track_caller]
fn each_fails(cases: &[(&str, &str)]) {
    for (text, wanted) in cases {
        fails(text, wanted);
    }
}

#[test]
fn the_environment_is_in_the_order_of_go_and_ends_with_ours() {
    let mut case = case();
    case.setup.variables = vec![(b"A".to_vec(), b"1".to_vec())];
    case.setup.go_variables = vec![(b"GORACE".to_vec(), b"x".to_vec())];
    case.setup.engine = Some(EngineKind::Podman);
    let names = |dialect| -> Vec<String> {
        let variables = environment(&case.setup, dialect);
        let name = |(name, _): (Vec<u8>, Vec<u8>)| String::from_utf8(name).unwrap();
        variables.into_iter().map(name).collect()
    };
    let go = "WORK PATH GOTRACEBACK HOME TMPDIR devnull / : $ GORACE exe A";
    assert_eq!(names(Dialect::Testscript).join(" "), go);
    let ours = format!("{go} ENGINE TAG RUN_ID COMPOSE_PROJECT_NAME");
    assert_eq!(names(Dialect::Shakedown).join(" "), ours);
}

#[test]
fn the_manual_lists_the_variables_that_scripts_begin_with() {
    let mut case = case();
    case.setup.go_variables = ["GOCOVERDIR", "GORACE"]
        .map(|name| (name.into(), b"x".to_vec()))
        .to_vec();
    for (dialect, additions) in [(Dialect::Testscript, false), (Dialect::Shakedown, true)] {
        let variables = environment(&case.setup, dialect);
        let names: Vec<&[u8]> = variables.iter().map(|(name, _)| name.as_slice()).collect();
        let listed: Vec<&[u8]> = variables_of_the_manual(additions)
            .map(str::as_bytes)
            .collect();
        assert_eq!(names, listed);
    }
}
