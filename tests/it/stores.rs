//! Two stores of one engine: a Podman user's other storage root, and a daemon of Docker that shares the machine's id.
//! What a killed run made in one of them is not called gone because the other has never heard of it.

use super::daemon::Daemon;
use super::engines::{Engine, own_state};
use super::losses::{Fragile, Store};
use super::orphans::kill_all;
use super::project::{eventually, shakedown};

const SETTINGS: &str =
    "scripts = [\"scripts\"]\n[environment]\nBASE = \"localhost/shakedown/base:1\"\n";

/// `own` is the store where a run was killed, `other` the one that answers where nobody says otherwise.
fn check(own: &dyn Fragile, other: Engine) {
    let stays = "exec $ENGINE run -d --network none $BASE sleep 1000\nexec sleep 1000\n";
    let project = own
        .project(SETTINGS)
        .script("container_stays", stays)
        .file("other/container_fine.txtar", "exec true\n");
    let name = other.name();
    let running = own.call(&project, &["run", "--engine", name]).start();
    let run = eventually("the record is there", || {
        let file = project.record_files().pop()?;
        Some(file.file_stem()?.to_str()?.to_owned())
    });
    let label = format!("label=dev.shakedown.run={run}");
    let made = || own.lines(&["ps", "-q", "--no-trunc", "--filter", &label]);
    eventually("the container runs", || (made().len() == 1).then_some(()));
    kill_all(running);
    let state = own_state(&project);
    for (words, code) in [
        (&["run", "--engine", name, "other"][..], 0),
        (&["reap"], 103),
    ] {
        let call = other.call(&[&state], &project, &shakedown(), words);
        let output = call.finish();
        output
            .expect_code(code)
            .expect_stderr(&format!("run {run}: "))
            .expect_stderr("answers here");
        assert_eq!(made().len(), 1, "{words:?}: {}", output.stderr());
    }
    let reaped = own.call(&project, &["reap"]).finish();
    reaped
        .expect_code(0)
        .expect_stderr(&format!("of run {run}, which was killed"));
    assert_eq!(made(), [""; 0]);
}

#[test]
fn what_a_killed_run_left_in_another_store_of_podman_is_neither_removed_nor_called_gone() {
    if Engine::Podman.usable() {
        check(&Store::new(), Engine::Podman);
    }
}

#[test]
fn what_a_killed_run_left_on_another_daemon_with_the_same_id_is_neither_removed_nor_called_gone() {
    if let Some(daemon) = Daemon::start() {
        check(&daemon, Engine::Docker);
    }
}
