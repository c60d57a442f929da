//! `--update`: scripts that pass are rewritten, and no other.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::project::{Project, nothing_left_of};

const BEFORE: &str =
    "# A greeting.\r\nexec echo new\ncmp stdout want\n--  other  --\r\nx\n-- want --\nold\n";
const AFTER: &str =
    "# A greeting.\r\nexec echo new\ncmp stdout want\n--  other  --\r\nx\n-- want --\nnew\n";

fn read(project: &Project, name: &str) -> String {
    fs::read_to_string(project.path(format!("scripts/{name}.txtar"))).unwrap()
}

#[test]
fn a_script_that_passes_is_rewritten_and_told_on_stderr_and_in_the_log() {
    let project = Project::new().script("a", BEFORE);
    let script = project.path("scripts/a.txtar");
    let run = |binary: bool| {
        fs::write(&script, BEFORE).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o600)).unwrap();
        if binary {
            project.run().args(["-u", "--show-output"])
        } else {
            project
                .target()
                .env("SHAKEDOWN_UPDATE", "1")
                .arg("--show-output")
        }
    };
    for binary in [true, false] {
        let output = run(binary).without_engine().finish();
        output.expect_code(0);
        output.expect_stderr("DONE   scripts/a.txtar updated\n");
        output.expect_stdout("PASS\nscripts/a.txtar updated\n");
        assert_eq!(read(&project, "a"), AFTER);
        let mode = fs::metadata(&script).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(project.path("scripts")).unwrap().count(), 1);
    }
    // What is right is left alone.
    let output = project.run().arg("--update").without_engine().finish();
    output.expect_code(0);
    assert!(!output.stderr().contains("updated"), "{}", output.stderr());
    assert_eq!(read(&project, "a"), AFTER);
}

#[test]
fn a_file_that_has_to_be_unquoted_from_now_on_is_told_with_the_update() {
    let text = "exec echo -- x --\ncmp stdout want\n-- want --\nold\n";
    let project = Project::new().script("a", text);
    let output = project.run().arg("-u").without_engine().finish();
    output.expect_code(0);
    output.expect_stderr(
        "DONE   scripts/a.txtar updated\n       hint: want is quoted from now on: add `unquote want` to the script\n",
    );
}

#[test]
fn a_script_that_does_not_pass_is_left_alone() {
    let ends = [
        ("failed", "exec false", 101),
        ("skipped", "skip", 0),
        ("hung", "exec sleep 600", 101),
        ("unwritable", "exec printf x\ncmp stdout other", 101),
    ];
    for (name, end, code) in ends {
        let text = format!("exec echo new\ncmp stdout want\n{end}\n-- other --\n-- want --\nold\n");
        let project = Project::new().script(name, &text);
        let run = project.run().args(["-u", "--deadline", "2s"]);
        let output = run.without_engine().finish();
        output.expect_code(code);
        assert_eq!(read(&project, name), text, "{name}");
    }
}

#[test]
fn without_the_flag_the_difference_fails() {
    let project = Project::new().script("a", BEFORE);
    let output = project.run().without_engine().finish();
    output.expect_code(101);
    output.expect_stdout("FAIL: scripts/a.txtar:3: stdout and want differ\n");
    assert_eq!(read(&project, "a"), BEFORE);
}

#[test]
fn a_script_that_changed_meanwhile_is_not_overwritten() {
    let project = Project::new();
    let path = project.path("scripts/a.txtar");
    let text = format!(
        "exec cp mine {}\nexec echo new\ncmp stdout want\n-- mine --\nmine\n-- want --\nold\n",
        path.display()
    );
    let project = project.script("a", &text);
    let output = project.run().arg("-u").without_engine().finish();
    output.expect_code(102);
    output.expect_stderr("cannot update scripts/a.txtar: it changed while the script ran");
    assert_eq!(read(&project, "a"), "mine\n");
}

#[test]
fn a_program_on_a_terminal_is_ended_at_its_deadline() {
    let project = Project::new().script(
        "a",
        "ttyin in\nexec sh -c 'sleep 601 & sleep 602'\n-- in --\nx\n",
    );
    let output = project
        .run()
        .args(["--deadline", "2s"])
        .without_engine()
        .finish();
    output.expect_code(101);
    output.expect_stderr("HANG   scripts/a.txtar:2");
    nothing_left_of(project.record().run());
}
