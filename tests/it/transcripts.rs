//! What a run prints on stdout, whole, held against a real libtest program (pretty, terse) and `libtest_mimic` (json)
//! whose tests end likewise: with one lap and with several, where pretty alone says more.

use std::path::PathBuf;
use std::process::Command;

use libtest_mimic::{Arguments, Completion, Failed, FormatSetting, Trial};
use regex::Regex;

use super::project::{Project, Run};

/// One passes, one fails, one skips itself, one has nothing to say when it fails.
fn project() -> Project {
    Project::new()
        .script("apple", "exec echo crunchy\n")
        .script("berry", "exec false\n")
        .script("cherry", "skip 'not ripe'\n")
        .script("damson", "! exec true\n")
        .script("elder", "exec true\n")
}

/// Its stdout in a fresh project, where nothing is known of earlier runs.
fn ours(words: &[&str]) -> String {
    let project = project();
    let run: Run<'_> = project.target().arg("--test-threads=1").args(words);
    let output = run.without_engine().finish();
    output.expect_code(101);
    output.stdout().to_owned()
}

/// What stands below a failure's name.
fn said_of<'a>(name: &str, stdout: &'a str) -> &'a str {
    let (_, text) = stdout
        .split_once(&format!("---- {name} stdout ----\n"))
        .unwrap_or_else(|| panic!("no section of {name} in {stdout}"));
    let end = ["\n---- ", "\n\nfailures:\n"]
        .iter()
        .filter_map(|end| text.find(end));
    text.split_at(end.min().unwrap()).0
}

/// A real test program that prints the same of its failures.
struct Real {
    _folder: tempfile::TempDir,
    program: PathBuf,
}

impl Real {
    fn saying(stdout: &str) -> Real {
        let fails = |name| {
            let text = said_of(name, stdout);
            format!("print!({text:?}); std::panic::resume_unwind(Box::new(()))")
        };
        let source = format!(
            "#[test] fn apple() {{}}\n#[test] fn berry() {{ {} }}\n#[test] #[ignore = \"not ripe\"] fn cherry() {{}}\n\
             #[test] fn damson() {{ {} }}\n#[test] fn elder() {{}}\n",
            fails("berry"),
            fails("damson")
        );
        let folder = tempfile::tempdir().unwrap();
        let (file, program) = (folder.path().join("t.rs"), folder.path().join("t"));
        std::fs::write(&file, source).unwrap();
        let compiled = Command::new("rustc")
            .args(["--test", "--edition", "2024", "-o"])
            .args([&program, &file])
            .status();
        assert!(compiled.unwrap().success());
        Real {
            _folder: folder,
            program,
        }
    }

    fn stdout(&self, words: &[&str]) -> String {
        let mut command = Command::new(&self.program);
        let output = command.arg("--test-threads=1").args(words).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    }
}

/// Times are never the same twice; what laps add to a line of pretty stands behind its word.
fn same(text: &str) -> String {
    let time = Regex::new(r#"finished in [0-9.]+s|"exec_time": [0-9.e-]+"#).unwrap();
    let tally = Regex::new(r"(?m)^(test \w+ \.\.\. (?:ok|FAILED)), \d/\d passed.*$").unwrap();
    let text = time.replace(text, "TIME");
    tally.replace_all(&text, "$1").into_owned()
}

#[test]
fn pretty_and_terse_are_libtests_with_one_lap_and_with_several() {
    for laps in [&[][..], &["--count", "3"]] {
        let pretty = ours(laps);
        let real = Real::saying(&pretty);
        assert_eq!(same(&pretty), same(&real.stdout(&[])));
        let counted = pretty.contains("\ntest apple ... ok, 3/3 passed\n");
        assert_eq!(counted, !laps.is_empty(), "{pretty}");
        let terse = ours(&[laps, &["--format", "terse"]].concat());
        let real = Real::saying(&terse);
        assert_eq!(same(&terse), same(&real.stdout(&["-q"])));
    }
}

#[test]
fn json_is_libtest_mimics_with_one_lap_and_with_several() {
    for laps in [&[][..], &["--count", "3"]] {
        let pretty = ours(laps);
        let trials = ["apple", "berry", "cherry", "damson", "elder"].map(|name| {
            let failed = ["berry", "damson"].contains(&name);
            let said = failed.then(|| said_of(name, &pretty).to_owned());
            let trial = Trial::ignorable_test(name, move || match said {
                Some(text) => Err(Failed::from(text)),
                None => Ok(Completion::Completed),
            });
            trial.with_ignored_flag(name == "cherry")
        });
        let file = tempfile::NamedTempFile::new().unwrap();
        let arguments = Arguments {
            logfile: Some(file.path().to_str().unwrap().to_owned()),
            test_threads: Some(1),
            format: Some(FormatSetting::Json),
            ..Arguments::default()
        };
        assert!(libtest_mimic::run(&arguments, trials.into()).has_failed());
        let mimic = std::fs::read_to_string(file.path()).unwrap();
        let json = ours(&[laps, &["--format", "json"]].concat());
        assert_eq!(same(&json), same(&mimic));
    }
}
