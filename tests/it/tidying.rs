//! What could not be removed after its script is tried again at the end of the run.
//!
//! The engine is a double whose removals fail as often as a file says: no real engine does so on demand.

use std::fs;

use super::project::{Output, Project};

/// Its one container is there until it is removed, and its first removals fail.
const DOCKER: &str = r#"#!/bin/sh
place=${0%/*}
for last; do :; done
case $1 in
version) echo '{"Client":{"Version":"28.0.0"},"Server":{"Version":"28.0.0","Components":[]}}' ;;
info) echo '{"ID":"DOUB:LE","Driver":"overlay2","DefaultRuntime":"runc"}' ;;
run)
    for word; do case $word in --cidfile=*) file=${word#*=} ;; esac; done
    printf %064x 7 | tee "$file" >"$place/container"
    ;;
container)
    [ -e "$place/container" ] || { echo "Error response from daemon: No such container: $last" >&2; exit 1; }
    cat "$place/container"
    ;;
rm)
    fails=$(cat "$place/fails")
    [ "$fails" = 0 ] || { echo $((fails - 1)) >"$place/fails"; echo "Error response from daemon: busy" >&2; exit 1; }
    rm "$place/container"
    ;;
esac
"#;

fn run(fails: u32) -> (Project, Output) {
    let project = Project::new()
        .program("bin/docker", DOCKER)
        .file("bin/fails", fails.to_string())
        .script("container_one", "exec $ENGINE run -d x\n");
    let run = project.run().path(&project.path("bin")).arg("--strict");
    // Else the machine's own daemon would be asked over its socket.
    let run = run.env("DOCKER_HOST", "tcp://127.0.0.1:1");
    let output = run.finish();
    (project, output)
}

#[test]
fn what_goes_at_the_second_time_is_no_leftover() {
    let (project, output) = run(1);
    output
        .expect_code(0)
        .expect_stderr("LEFT")
        .expect_stderr("container_one: removed");
    assert!(!output.stderr().contains("left behind: "));
    let record = project.record();
    let cleaned: Vec<_> = record.of("cleaned_at_last").collect();
    assert_eq!(cleaned.len(), 1);
    assert!(!fs::exists(project.path("bin/container")).unwrap());
}

#[test]
fn what_does_not_go_even_then_is_one_under_strict() {
    let (project, output) = run(1000);
    output
        .expect_code(103)
        .expect_stderr("left behind: 1 resource");
    assert_eq!(project.record().of("cleaned_at_last").count(), 0);
}
