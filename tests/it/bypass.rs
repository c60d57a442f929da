//! What scripts make past the stand-ins on real Docker: it is named and stays, and what others make meanwhile is not
//! even named.

use std::fs;

use serde_json::Value;

use super::engines::{BASE, Engine};
use super::project::{eventually, shakedown};

/// A client of nobody's environment: neither `PATH` nor `DOCKER_HOST` leads to a stand-in.
const PAST: &str = "exec env -i /usr/bin/docker";

#[test]
fn what_goes_around_the_stand_in_on_docker_is_named_and_stays() {
    if !Engine::Docker.usable() {
        return;
    }
    let other = format!("it-bystander-{}", std::process::id());
    let project = Engine::Docker.project();
    let here = project.path("");
    let here = here.display();
    let script = format!(
        "exec $ENGINE run --rm --network none $BASE true\n\
         {PAST} run -d --name past-$TAG --network none $BASE sleep 300\n\
         {PAST} create --network none -v $WORK:/work $BASE true\n\
         {PAST} volume create past-$TAG\n\
         {PAST} network create past-$TAG\n\
         {PAST} run --rm --network none $BASE true\n\
         exec touch {here}/ready\n\
         until exec test -e {here}/go\n"
    );
    let project = project.script("container_past", script);
    let running = Engine::Docker.run(&project).arg("--strict").start();
    eventually("the script has made its things", || {
        fs::exists(project.path("ready")).unwrap().then_some(())
    });
    Engine::Docker.lines(&[
        "create",
        "--name",
        &other,
        "--network",
        "none",
        BASE,
        "true",
    ]);
    fs::write(project.path("go"), "").unwrap();
    let output = running.finish();
    Engine::Docker.lines(&["rm", &other]);
    let record = project.record();
    let cleanup = &record.report("container_past")["cleanup"];
    let left = cleanup["leftovers"].as_array().unwrap().clone();
    let mut kinds = remove(&left);
    kinds.sort_unstable();
    assert_eq!(
        kinds,
        ["container", "container", "network", "volume"],
        "{left:#?}"
    );
    output
        .expect_code(103)
        .expect_stderr("(pid ")
        .expect_stderr("of this script was connected to the engine past its stand-in");
    assert_eq!(cleanup["removed"], Value::Array(Vec::new()));
    let told = project
        .start(&shakedown())
        .args(["ledger", record.run()])
        .finish();
    told.expect_stdout("unattributed: it was made while `/usr/bin/docker run -d --name past-");
    Engine::Docker.expect_clean(record.run());
}

/// Removes by their ids what was left, as the report says; what it was, and that it was named well.
#[track_caller]
fn remove(left: &[Value]) -> Vec<&str> {
    let mut kinds: Vec<&str> = Vec::new();
    for leftover in left {
        let of = |key: &str| leftover["resource"][key].as_str().unwrap();
        let (kind, id) = (of("kind"), of("id"));
        // It is there, so that it can be removed: by its id, as the report says.
        match kind {
            "container" => Engine::Docker.lines(&["rm", "-f", "-v", id]),
            _ => Engine::Docker.lines(&[kind, "rm", id]),
        };
        kinds.push(kind);
    }
    for leftover in left {
        let of = |key: &str| leftover[key].as_str().unwrap();
        let why = of("why");
        assert!(why.starts_with("unattributed: it was made "), "{why}");
        let id = leftover["resource"]["id"].as_str().unwrap();
        assert!(of("remedy").ends_with(id), "{leftover}");
    }
    kinds
}
