//! Local Podman's private journal, on real rootless Podman: what it proves, what it saves, and what goes past it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::engines::{BASE, Engine, give_away_to_podman, own_state};
use super::orphans::kill_all;
use super::project::{Project, eventually, processes_of, shakedown};

/// Whoever writes down each call and becomes the real client.
const COUNTING: &str =
    "#!/bin/sh\necho \"$*\" >>\"${0%/*}/../calls\"\nexec /usr/bin/podman \"$@\"\n";

/// One script on Podman; its report.
fn report(project: &Project, name: &str) -> Value {
    project.record().report(name).clone()
}

fn list<'v>(report: &'v Value, what: &str) -> Vec<&'v Value> {
    report["cleanup"][what].as_array().unwrap().iter().collect()
}

#[test]
fn after_a_run_that_removes_itself_podman_is_not_asked_any_more() {
    if !Engine::Podman.usable() {
        return;
    }
    let script = "exec $ENGINE run --rm --network none $BASE true\n\
                  exec $ENGINE run --rm --network none -v /data $BASE touch /data/file\n";
    let project = Engine::Podman
        .project()
        .script("container_brief", script)
        .program("bin/podman", COUNTING)
        .file("calls", "");
    fs::set_permissions(project.path("calls"), fs::Permissions::from_mode(0o666)).unwrap();
    let bin = project.path("bin");
    let path = format!("PATH={}:/usr/sbin:/usr/bin:/sbin:/bin", bin.display());
    Engine::Podman
        .run_under(&[&path], &project)
        .finish()
        .expect_code(0);
    let calls = fs::read_to_string(project.path("calls")).unwrap();
    let first = calls
        .lines()
        .position(|call| call.starts_with("run "))
        .unwrap();
    let since: Vec<&str> = calls.lines().skip(first).collect();
    assert_eq!(since.len(), 2, "{calls}");
    assert!(since.iter().all(|call| call.starts_with("run ")), "{calls}");
    let report = report(&project, "container_brief");
    let gone: Vec<&Value> = list(&report, "gone");
    let of = |kind: &str| gone.iter().filter(|thing| thing["kind"] == kind).count();
    assert_eq!((of("container"), of("volume")), (2, 1), "{gone:?}");
    assert!(list(&report, "leftovers").is_empty());
    Engine::Podman.expect_clean(project.record().run());
}

#[test]
fn what_no_label_and_no_id_file_tells_of_is_removed_by_the_journal() {
    if !Engine::Podman.usable() {
        return;
    }
    // The volume of a container that is removed without its volumes; a copy of a container that others made.
    let name = format!("it-journal-{}", std::process::id());
    Engine::Podman.lines(&["create", "--name", &name, "--network", "none", BASE, "true"]);
    let script = format!(
        "exec $ENGINE create --name $TAG --network none -v /data $BASE true\n\
         exec $ENGINE rm $TAG\n\
         exec $ENGINE container clone {name} $TAG-copy\n"
    );
    let project = Engine::Podman.project().script("container_untold", script);
    let output = Engine::Podman.run(&project).finish();
    let there = Engine::Podman.lines(&["ps", "-a", "-q", "--filter", &format!("name={name}")]);
    Engine::Podman.lines(&["rm", &name]);
    output.expect_code(0);
    assert_eq!(there.len(), 1, "what others made stays");
    let report = report(&project, "container_untold");
    let removed = list(&report, "removed");
    let of = |kind: &str| -> Vec<&Value> {
        let things = removed.iter().filter(|thing| thing["kind"] == kind);
        things.copied().collect()
    };
    assert_eq!(
        (of("container").len(), of("volume").len()),
        (1, 1),
        "{removed:?}"
    );
    let volume = of("volume")[0]["id"].as_str().unwrap().to_owned();
    let volumes = Engine::Podman.lines(&["volume", "ls", "-q"]);
    assert!(!volumes.contains(&volume), "{volumes:?}");
    let record = project.record();
    let words = ["ledger", record.run()];
    let told = Engine::Podman
        .call(&[], &project, &shakedown(), &words)
        .finish();
    let by = |line: u32| format!("by scripts/container_untold.txtar:{line}  gone ");
    let copy = of("container")[0]["id"].as_str().unwrap().split_at(12).0;
    for row in [
        format!("podman volume {volume}  {}", by(1)),
        format!("-copy {copy}  {}", by(3)),
    ] {
        told.expect_stdout(&row);
    }
    Engine::Podman.expect_clean(record.run());
}

#[test]
fn a_pod_from_a_file_is_removed_by_the_journal() {
    if !Engine::Podman.usable() {
        return;
    }
    let pod = format!("it-play-{}", std::process::id());
    let script = format!(
        "exec $ENGINE play kube --network none pod.yaml\n\
         exec $ENGINE pod exists {pod}\n\
         -- pod.yaml --\n\
         apiVersion: v1\n\
         kind: Pod\n\
         metadata:\n  name: {pod}\n\
         spec:\n  containers:\n  - name: one\n    image: {BASE}\n    imagePullPolicy: Never\n    command: [/bin/sleep, '1000']\n"
    );
    let project = Engine::Podman.project().script("container_pod", script);
    let output = Engine::Podman.run(&project).finish();
    let there = Engine::Podman.lines(&["pod", "ps", "-q", "--filter", &format!("name={pod}")]);
    if !there.is_empty() {
        Engine::Podman.lines(&["pod", "rm", "-f", "-t", "0", &pod]);
    }
    output.expect_code(0);
    assert_eq!(there.len(), 0);
    let report = report(&project, "container_pod");
    let removed = list(&report, "removed");
    assert!(
        removed.iter().any(|thing| thing["kind"] == "pod"),
        "{removed:?}"
    );
    assert!(list(&report, "leftovers").is_empty());
}

#[test]
fn logs_that_are_followed_end_with_their_container() {
    if !Engine::Podman.usable() {
        return;
    }
    // Podman learns of the end from the journal, so all calls of a script must share one.
    let script = "#: deadline = \"30s\"\n\
                  exec $ENGINE run -d --name $TAG --network none $BASE sh -c 'echo one; sleep 1; echo two'\n\
                  exec $ENGINE logs --follow $TAG\n\
                  cmp stdout expected\n\
                  -- expected --\none\ntwo\n";
    let project = Engine::Podman.project().script("container_follow", script);
    Engine::Podman.run(&project).finish().expect_code(0);
    Engine::Podman.expect_clean(project.record().run());
}

#[test]
fn a_script_with_a_configuration_of_its_own_keeps_it() {
    if !Engine::Podman.usable() {
        return;
    }
    let script = "env CONTAINERS_CONF=$WORK/conf\n\
                  exec $ENGINE info --format {{.Host.EventLogger}}\n\
                  stdout '^none$'\n\
                  exec $ENGINE create --network none $BASE true\n\
                  -- conf --\n\
                  [engine]\n\
                  events_logger = \"none\"\n\
                  runtime = \"runc\"\n\
                  cgroup_manager = \"cgroupfs\"\n";
    let project = Engine::Podman.project().script("container_own", script);
    Engine::Podman.run(&project).finish().expect_code(0);
    // Without the journal, by id file and labels.
    let report = report(&project, "container_own");
    assert_eq!(list(&report, "removed").len(), 1);
    Engine::Podman.expect_clean(project.record().run());
}

#[test]
fn a_container_that_was_started_past_the_stand_in_is_named_and_stays() {
    if !Engine::Podman.usable() {
        return;
    }
    let name = format!("it-past-{}", std::process::id());
    // An empty environment, but for where this account's runtime keeps its state.
    let runtime = Engine::Podman.shell("echo \"$XDG_RUNTIME_DIR\"").remove(0);
    let script = format!(
        "exec env -i XDG_RUNTIME_DIR={runtime} /usr/bin/podman run -d --name {name} --network none {BASE} sleep 1000\n"
    );
    let project = Engine::Podman.project().script("container_past", script);
    let output = Engine::Podman.run(&project).finish();
    let filter = format!("name={name}");
    let there = Engine::Podman.lines(&["ps", "-q", "--no-trunc", "--filter", &filter]);
    Engine::Podman.lines(&["rm", "-f", "-t", "0", &name]);
    output.expect_code(0);
    let report = report(&project, "container_past");
    let left = list(&report, "leftovers");
    assert_eq!((left.len(), there.len()), (1, 1), "{left:?}");
    assert_eq!(left[0]["resource"]["id"], there[0].as_str());
    assert_eq!(left[0]["resource"]["name"], name.as_str());
    assert!(
        left[0]["why"].as_str().unwrap().starts_with("unattributed"),
        "{left:?}"
    );
    let remedy = format!("podman rm -f -v -t 0 {}", there[0]);
    assert_eq!(left[0]["remedy"], remedy.as_str());
    output.expect_stderr(&remedy);
}

/// Builds of two tests must not be taken for each other's.
static BUILDS: Mutex<()> = Mutex::new(());

/// What the runtime of the user that owns rootless Podman holds of builds.
fn held_builds() -> Vec<String> {
    let list =
        "for root in /run/runc \"$XDG_RUNTIME_DIR/runc\"; do ls \"$root\" 2>/dev/null; done; true";
    let lines = Engine::Podman.shell(list);
    lines
        .into_iter()
        .filter(|id| id.starts_with("buildah"))
        .collect()
}

#[test]
fn what_a_killed_build_leaves_in_the_runtime_is_removed_and_the_rest_is_named() {
    if !Engine::Podman.usable() {
        return;
    }
    let _alone = BUILDS.lock().unwrap_or_else(PoisonError::into_inner);
    let before = held_builds();
    let script = "exec sh kill.sh\n\
                  -- Containerfile --\n\
                  FROM localhost/shakedown/base:1\n\
                  RUN echo begun && sleep 1000\n\
                  -- kill.sh --\n\
                  $ENGINE build --network none -f Containerfile . >out 2>&1 &\n\
                  until grep -q '^begun' out; do kill -0 $! || { cat out; exit 1; }; sleep 0.05; done\n\
                  kill -KILL $!\n";
    let project = Engine::Podman
        .project()
        .script("container_killed_build", script);
    Engine::Podman.run(&project).finish().expect_code(0);
    let report = report(&project, "container_killed_build");
    let removed = list(&report, "removed");
    let step = |thing: &&&Value| thing["id"].as_str().unwrap().starts_with("buildah-");
    assert_eq!(removed.iter().filter(step).count(), 1, "{removed:?}");
    eventually("the runtime holds nothing of it", || {
        let left = held_builds();
        left.iter().all(|id| before.contains(id)).then_some(())
    });
    let left = list(&report, "leftovers");
    let external: Vec<&&Value> = left
        .iter()
        .filter(|left| left["resource"]["kind"] == "container")
        .collect();
    assert!(!external.is_empty(), "{left:?}");
    for left in external {
        let id = left["resource"]["id"].as_str().unwrap();
        assert_eq!(left["remedy"], format!("podman rm -f {id}"));
        Engine::Podman.lines(&["rm", "-f", id]);
    }
}

#[test]
fn what_a_killed_runs_build_leaves_in_the_runtime_is_reaped() {
    if !Engine::Podman.usable() {
        return;
    }
    let _alone = BUILDS.lock().unwrap_or_else(PoisonError::into_inner);
    let before = held_builds();
    let script = "exec $ENGINE build --network none -f Containerfile .\n\
                  -- Containerfile --\n\
                  FROM localhost/shakedown/base:1\n\
                  RUN sleep 1000\n";
    let project = Engine::Podman.project().script("container_build", script);
    let state = own_state(&project);
    let running = Engine::Podman.run_under(&[&state], &project).start();
    let new = || {
        let mut held = held_builds();
        held.retain(|id| !before.contains(id));
        held
    };
    eventually("the build's step runs", || {
        (!new().is_empty()).then_some(())
    });
    kill_all(running);
    let reaped = Engine::Podman.call(&[&state], &project, &shakedown(), &["reap"]);
    let output = reaped.finish();
    let left = new();
    for line in output.stderr().lines() {
        // What cannot be proved is named with its command.
        if let Some(id) = line.split("podman rm -f ").nth(1) {
            Engine::Podman.lines(&["rm", "-f", id.trim()]);
        }
    }
    assert!(left.is_empty(), "{left:?}\n{}", output.stderr());
    output.expect_code(103).expect_stderr("podman rm -f ");
}

#[test]
fn what_the_journal_alone_knows_of_a_killed_run_is_listed_and_then_reaped() {
    if !Engine::Podman.usable() {
        return;
    }
    let script = "exec $ENGINE create --name $TAG --network none -v /data $BASE true\n\
                  exec sleep 1000\n";
    let project = Engine::Podman.project().script("container_untold", script);
    let state = own_state(&project);
    let running = Engine::Podman.run_under(&[&state], &project).start();
    let run = eventually("the record is there", || {
        let file = project.record_files().pop()?;
        Some(file.file_stem()?.to_str()?.to_owned())
    });
    eventually("the script sleeps", || {
        let processes = processes_of(&run);
        processes
            .iter()
            .any(|words| words.contains("sleep 1000"))
            .then_some(())
    });
    kill_all(running);
    let reap = |words: &[&str]| {
        let call = Engine::Podman.call(&[&state], &project, &shakedown(), words);
        call.finish()
    };
    let planned = reap(&["reap", "--dry-run"]);
    planned
        .expect_code(0)
        .expect_stdout("podman container ")
        .expect_stdout("podman volume ");
    let row = planned
        .stdout()
        .lines()
        .find(|line| line.contains(" volume "));
    let volume = row.unwrap().split_whitespace().nth(2).unwrap().to_owned();
    let is_there = || {
        let volumes = Engine::Podman.lines(&["volume", "ls", "-q"]);
        volumes.contains(&volume)
    };
    assert!(is_there(), "{volume}: {}", planned.stdout());
    reap(&["reap"]).expect_code(0);
    assert!(!is_there(), "{volume}");
    Engine::Podman.expect_clean(&run);
}

/// A name that somebody else has is told with who that is.
fn tells_who_has_a_name(engine: Engine) {
    if !engine.usable() {
        return;
    }
    let name = format!("it-taken-{}", std::process::id());
    let labels = "--label=com.docker.compose.project=shop";
    engine.lines(&[
        "create",
        "--name",
        &name,
        labels,
        "--network",
        "none",
        BASE,
        "true",
    ]);
    let line = format!("exec $ENGINE create --name {name} --network none $BASE true\n");
    let project = engine
        .project()
        .script("container_conflict", &line)
        .script("container_expects", format!("! {line}"));
    let output = engine.run(&project).finish();
    engine.lines(&["rm", &name]);
    output.expect_code(101);
    output.expect_stdout(&format!(
        "NOTE: the container name `{name}` is taken, made 20"
    ));
    output.expect_stdout("by the compose project `shop`");
    assert_eq!(
        output.stdout().matches("NOTE:").count(),
        1,
        "{}",
        output.stdout()
    );
    assert_eq!(project.record().verdict("container_expects").0, "passed");
}

#[test]
fn a_conflict_on_docker_names_who_has_the_name() {
    tells_who_has_a_name(Engine::Docker);
}

#[test]
fn a_conflict_on_podman_names_who_has_the_name() {
    tells_who_has_a_name(Engine::Podman);
}

/// Builds, commits, loads and imports, each under a name that is given to another image afterwards.
const IMAGES: &str = "exec $ENGINE build --network none -t $TAG-b --iidfile iid .\n\
    cp Second Dockerfile\n\
    exec $ENGINE build --network none -t $TAG-b --iidfile iid .\n\
    rm iid\n\
    exec $ENGINE create --name $TAG --network none $BASE true\n\
    exec $ENGINE commit -q $TAG $TAG-c\n\
    exec $ENGINE commit -q $TAG $TAG-c\n\
    exec $ENGINE save -q -o saved.tar $TAG-c\n\
    exec $ENGINE rmi $TAG-c\n\
    exec $ENGINE load -q -i saved.tar\n\
    exec $ENGINE import -q layer.tar $TAG-i\n\
    exec $ENGINE build --network none -q -t $TAG-cached cached\n\
    exec $ENGINE build --network none -q -t $TAG-cached .\n";

#[test]
fn images_that_lost_their_names_are_removed_and_those_of_others_stay() {
    if !Engine::Podman.usable() {
        return;
    }
    let _alone = BUILDS.lock().unwrap_or_else(PoisonError::into_inner);
    let unique = format!("it-images-{}", std::process::id());
    let files = format!(
        "-- Dockerfile --\nFROM {BASE}\nRUN echo {unique} one >/one\n\
         -- Second --\nFROM {BASE}\nRUN echo {unique} two >/one\n\
         -- cached/Dockerfile --\nFROM {BASE}\nRUN echo {unique} theirs >/one\n"
    );
    let script = format!("{IMAGES}{files}");
    let project = Engine::Podman
        .project()
        .script("container_images", script.replace("layer.tar", "$LAYER"))
        .file(
            "theirs/Dockerfile",
            format!("FROM {BASE}\nRUN echo {unique} theirs >/one\n"),
        );
    give_away_to_podman(&project.path(""));
    let here = project.path("");
    let here = here.display();
    let tar = Engine::Podman.shell(&format!(
        "tar -C {here} -cf {here}/layer.tar harness.toml && echo ok"
    ));
    assert_eq!(tar, ["ok"]);
    // A nameless image of somebody else's, which the script's own build finds in the cache. It is made without a look
    // at the cache and removed by a run, in its turn: a build fails when an image goes while it looks.
    let theirs = format!("{here}/theirs");
    let build = ["build", "-q", "--no-cache", "--network", "none", &theirs];
    let theirs = Engine::Podman.lines(&build);
    let before = images();
    let layer = format!("LAYER={here}/layer.tar");
    let output = Engine::Podman.run(&project).args(["-e", &layer]).finish();
    let after = images();
    let remove = format!("exec $ENGINE rmi {}\n", theirs[0]);
    let remover = Engine::Podman.project().script("container_remove", remove);
    Engine::Podman.run(&remover).finish().expect_code(0);
    output.expect_code(0);
    assert_eq!(after, before);
    let report = report(&project, "container_images");
    assert!(list(&report, "leftovers").is_empty(), "{report:#}");
    let removed = list(&report, "removed");
    let images = removed.iter().filter(|thing| thing["kind"] == "image");
    assert_eq!(images.count(), 6, "{removed:#?}");
}

/// All images of rootless Podman, without those that belong to builds of others that run just now.
fn images() -> Vec<String> {
    let mut images =
        Engine::Podman.lines(&["images", "--no-trunc", "--format", "{{.ID}} {{.Names}}"]);
    images.sort_unstable();
    images
}
