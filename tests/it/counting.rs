//! How often a client is started to clean after many containers, on real engines: a start costs 30 to 60 ms.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::engines::Engine;

const NUMBER: usize = 20;

/// The calls of the client since the last container was made. Who counts writes each down and becomes the real client.
fn calls_for_cleaning(engine: Engine) -> Vec<String> {
    let name = engine.name();
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .unwrap();
    let counting = format!(
        "#!/bin/sh\necho \"$*\" >>\"${{0%/*}}/../calls\"\nexec {} \"$@\"\n",
        found.display()
    );
    let create = "exec $ENGINE create --network none -v /data $BASE true\n";
    let project = engine
        .project()
        .script("container_many", create.repeat(NUMBER))
        .program(&format!("bin/{name}"), &counting)
        .file("calls", "");
    fs::set_permissions(project.path("calls"), fs::Permissions::from_mode(0o666)).unwrap();
    let bin = project.path("bin");
    let path = format!("PATH={}:/usr/sbin:/usr/bin:/sbin:/bin", bin.display());
    engine.run_under(&[&path], &project).finish().expect_code(0);
    let record = project.record();
    let cleanup = &record.report("container_many")["cleanup"];
    let of = |fate: &str, kind: &str| {
        let things = cleanup[fate].as_array().unwrap().iter();
        things.filter(|thing| thing["kind"] == kind).count()
    };
    assert_eq!(of("removed", "container"), NUMBER, "{cleanup:#}");
    assert_eq!(cleanup["leftovers"].as_array().unwrap().len(), 0);
    engine.expect_clean(record.run());
    let calls = fs::read_to_string(project.path("calls")).unwrap();
    let calls: Vec<String> = calls.lines().map(str::to_owned).collect();
    let last = calls.iter().rposition(|call| call.starts_with("create "));
    calls[last.unwrap() + 1..].to_vec()
}

/// The first words of each call.
fn check(engine: Engine, expected: &[&str]) {
    if !engine.usable() {
        return;
    }
    let calls = calls_for_cleaning(engine);
    assert_eq!(calls.len(), expected.len(), "{calls:#?}");
    for (call, head) in calls.iter().zip(expected) {
        assert!(call.starts_with(head), "{head}: {calls:#?}");
    }
}

/// All questions go over the socket.
#[test]
fn twenty_containers_on_docker_cost_one_removal_and_no_other_client() {
    check(Engine::Docker, &["rm -f -v "]);
}

/// Its own journal proves that they and their volumes are gone.
#[test]
fn twenty_containers_on_podman_cost_one_list_and_one_removal() {
    check(Engine::Podman, &["ps -a ", "rm -f -v "]);
}
