//! A suite divided over machines: each runs its part, all run the whole, and each says which part it is.

use std::collections::BTreeSet;

use super::project::{Output, Project};

/// A dozen scripts.
fn project() -> Project {
    (0..12).fold(Project::new(), |project, number| {
        project.script(&format!("script_{number}"), "exec true\n")
    })
}

/// The names of stdout's test lines.
fn names(output: &Output) -> BTreeSet<String> {
    let lines = output.stdout().lines();
    let name = |line: &str| {
        Some(
            line.strip_prefix("test ")?
                .strip_suffix(" ... ok")?
                .to_owned(),
        )
    };
    lines.filter_map(name).collect()
}

#[test]
fn the_parts_are_the_whole_without_overlap_and_show_the_same_digest() {
    let mut seen = BTreeSet::new();
    let mut digests = BTreeSet::new();
    for index in 1..=3 {
        let project = project();
        let shard = format!("{index}/3");
        let output = project
            .run()
            .args(["--shard", &shard])
            .without_engine()
            .finish();
        output.expect_code(0);
        let ran = names(&output);
        output.expect_stderr(&format!(
            "shard  {shard} (from --shard): {} of 12 scripts, divided by name, digest ",
            ran.len()
        ));
        output.expect_stdout(&format!("{} filtered out", 12 - ran.len()));
        for name in ran {
            assert!(seen.insert(name.clone()), "{name} ran twice");
        }
        let record = project.record();
        digests.insert(record.events[0]["shard"]["digest"].to_string());
    }
    assert_eq!((seen.len(), digests.len()), (12, 1), "{seen:?} {digests:?}");
}

#[test]
fn a_file_of_durations_balances_the_parts_and_they_are_still_the_whole() {
    let seconds = |number| if number == 0 { 11 } else { 1 };
    let trial = |number| {
        let seconds = seconds(number);
        format!(r#""script_{number}":{{"seconds":[{seconds}],"failed":false}}"#)
    };
    let trials: Vec<String> = (0..12).map(trial).collect();
    let text = format!(
        r#"{{"version":1,"runs":[],"trials":{{{}}}}}"#,
        trials.join(",")
    );
    let mut parts = Vec::new();
    for shard in ["1/2", "2/2"] {
        let project = project().file("given.json", &text);
        let given = project.path("given.json");
        let run = project.run().args(["--shard", shard]).without_engine();
        let output = run.args(["--durations", given.to_str().unwrap()]).finish();
        output.expect_code(0).expect_stderr("11s");
        parts.push(names(&output));
    }
    parts.sort_by_key(BTreeSet::len);
    assert_eq!(parts[0], BTreeSet::from(["script_0".to_owned()]));
    assert_eq!(parts[1].len(), 11);
    assert!(!parts[1].contains("script_0"));
}

#[test]
fn durations_that_cannot_be_read_are_a_mistake_and_nothing_runs() {
    let project = project().file("torn.json", r#"{"version":1,"runs":[],"tri"#);
    for (file, wanted) in [
        ("torn.json", "torn.json: EOF while parsing"),
        ("missing.json", "missing.json: No such file"),
    ] {
        let path = project.path(file);
        let run = project.run().args(["--durations", path.to_str().unwrap()]);
        let output = run.finish();
        output
            .expect_code(2)
            .expect_stderr("error: --durations: cannot read ")
            .expect_stderr(wanted);
    }
    assert!(project.record_files().is_empty());
}

#[test]
fn bazel_is_followed_without_a_flag_and_told_so() {
    let mut seen = 0;
    for index in ["0", "1"] {
        let project = project();
        let status = project.path("status");
        let bazel = project
            .target()
            .env("TEST_TOTAL_SHARDS", "2")
            .env("TEST_SHARD_INDEX", index);
        let output = bazel
            .env("TEST_SHARD_STATUS_FILE", &status)
            .without_engine()
            .finish();
        output
            .expect_code(0)
            .expect_stderr("(from TEST_SHARD_INDEX)");
        assert!(status.is_file());
        seen += names(&output).len();
    }
    assert_eq!(seen, 12);
}

#[test]
fn the_ci_systems_number_is_read_when_it_is_asked_for() {
    let project = project();
    let gitlab = |output: Output| names(&output);
    let run = |words: &[&str], index: &str| {
        let run = project.run().args(words).without_engine();
        run.env("GITLAB_CI", "true")
            .env("CI_NODE_INDEX", index)
            .env("CI_NODE_TOTAL", "2")
            .finish()
    };
    let (one, two) = (
        gitlab(run(&["--shard", "auto"], "1")),
        gitlab(run(&["--shard", "auto"], "2")),
    );
    assert_eq!(one.len() + two.len(), 12);
    assert!(one.is_disjoint(&two));
    assert_eq!(gitlab(run(&[], "1")).len(), 12, "it was not asked for");
}

#[test]
fn a_shard_that_cannot_be_is_a_mistake_and_nothing_runs() {
    let project = project();
    let output = project.run().args(["--shard", "3/2"]).finish();
    output
        .expect_code(2)
        .expect_stderr("expected `M/N` with M from 1 to N, `auto` or `auto/N`, found `3/2`");
    let output = project.run().args(["--shard", "auto"]).finish();
    output
        .expect_code(2)
        .expect_stderr("--shard: expected the variables of Bazel, GitLab,");
    assert!(project.record_files().is_empty());
}

#[test]
fn more_shards_than_scripts_is_no_mistake() {
    let project = Project::new().script("only", "exec true\n");
    let mut ran = 0;
    for index in 1..=4 {
        let shard = format!("{index}/4");
        let output = project
            .run()
            .args(["--shard", &shard])
            .without_engine()
            .finish();
        output.expect_code(0);
        ran += names(&output).len();
    }
    assert_eq!(ran, 1);
}

#[test]
fn a_trial_that_is_named_exactly_runs_in_every_shard_and_it_is_said() {
    let project = project();
    for shard in ["1/2", "2/2"] {
        let run = project
            .target()
            .args(["--exact", "script_7", "--nocapture"])
            .nextest();
        let output = run.env("SHAKEDOWN_SHARD", shard).without_engine().finish();
        output
            .expect_code(0)
            .expect_stdout("test script_7 ... ok")
            .expect_stderr("SHAKEDOWN_SHARD is ignored: `--exact` names the trial");
    }
}

#[test]
fn a_list_shows_the_part_and_what_a_machine_lacks_moves_nothing() {
    let project = Project::new()
        .script("container_a", "exec $ENGINE ps\n")
        .script("container_b", "exec $ENGINE ps\n")
        .script("plain_a", "exec true\n")
        .script("plain_b", "exec true\n");
    let mut seen = BTreeSet::new();
    for index in 1..=2 {
        let shard = format!("{index}/2");
        let list = |words: &[&str]| {
            let words = [
                &["--list", "--format", "terse", "--shard", &shard][..],
                words,
            ]
            .concat();
            let output = project.target().args(words).without_engine().finish();
            output.expect_code(0);
            let lines = output.stdout().lines().map(str::to_owned);
            lines.collect::<BTreeSet<_>>()
        };
        let (all, ignored) = (list(&[]), list(&["--ignored"]));
        assert!(ignored.is_subset(&all), "{ignored:?} of {all:?}");
        seen.extend(all);
    }
    assert_eq!(seen.len(), 4);
}
