//! Which shard a process is, by what was typed and by what CI systems say.

use super::*;

/// What was typed, and the variables: which shard of how many, or why not.
fn found(typed: &str, variables: &[(&str, &str)]) -> String {
    let choice = match typed.parse() {
        _ if typed.is_empty() => None,
        Ok(value) => Some(Sourced {
            value,
            origin: Origin::Flag("--shard"),
        }),
        Err(message) => return message,
    };
    let variable = |name: &str| {
        let own = variables.iter().find(|(own, _)| *own == name);
        own.map(|(_, value)| (*value).to_owned())
    };
    match Shard::find(choice.as_ref(), &variable) {
        Ok(None) => "whole".to_owned(),
        Ok(Some(shard)) => format!("{}/{} {}", shard.index, shard.total, shard.origin),
        Err(message) => message,
    }
}

#[track_caller]
fn check(typed: &str, variables: &[(&str, &str)], expected: &str) {
    assert_eq!(found(typed, variables), expected, "{typed:?} {variables:?}");
}

#[test]
fn what_was_typed_wins() {
    check("", &[], "whole");
    check("1/1", &[], "1/1 --shard");
    check(
        "2/4",
        &[("TEST_SHARD_INDEX", "0"), ("TEST_TOTAL_SHARDS", "2")],
        "2/4 --shard",
    );
}

#[test]
fn what_is_no_shard_is_refused() {
    for wrong in [
        "0/4", "5/4", "2", "2/", "/4", "a/4", "2/b", "+1/4", "1/99999", "auto/0", "auto/x", "AUTO",
    ] {
        let expected = "expected `M/N` with M from 1 to N, `auto` or `auto/N`, found ";
        assert_eq!(found(wrong, &[]), format!("{expected}`{wrong}`"));
    }
}

#[test]
fn each_system_counts_its_own_way() {
    let bazel = [("TEST_SHARD_INDEX", "1"), ("TEST_TOTAL_SHARDS", "4")];
    check("auto", &bazel, "2/4 TEST_SHARD_INDEX");
    let gitlab = [
        ("GITLAB_CI", "true"),
        ("CI_NODE_INDEX", "2"),
        ("CI_NODE_TOTAL", "4"),
    ];
    check("auto", &gitlab, "2/4 CI_NODE_INDEX");
    let circle = [
        ("CIRCLECI", "true"),
        ("CIRCLE_NODE_INDEX", "0"),
        ("CIRCLE_NODE_TOTAL", "4"),
    ];
    check("auto", &circle, "1/4 CIRCLE_NODE_INDEX");
    let buildkite = [
        ("BUILDKITE", "true"),
        ("BUILDKITE_PARALLEL_JOB", "3"),
        ("BUILDKITE_PARALLEL_JOB_COUNT", "4"),
    ];
    check("auto", &buildkite, "4/4 BUILDKITE_PARALLEL_JOB");
    let azure = [
        ("TF_BUILD", "True"),
        ("SYSTEM_JOBPOSITIONINPHASE", "1"),
        ("SYSTEM_TOTALJOBSINPHASE", "4"),
    ];
    check("auto", &azure, "1/4 SYSTEM_JOBPOSITIONINPHASE");
    let semaphore = [
        ("SEMAPHORE", "true"),
        ("SEMAPHORE_JOB_INDEX", "4"),
        ("SEMAPHORE_JOB_COUNT", "4"),
    ];
    check("auto", &semaphore, "4/4 SEMAPHORE_JOB_INDEX");
}

#[test]
fn the_same_names_of_another_system_mean_nothing() {
    let cirrus = [
        ("CIRRUS_CI", "true"),
        ("CI_NODE_INDEX", "0"),
        ("CI_NODE_TOTAL", "2"),
    ];
    let nowhere = "--shard: expected the variables of Bazel, GitLab, CircleCI, Buildkite, Azure Pipelines, Semaphore, Kubernetes, found none of them\nhint: say `M/N`";
    check("auto", &cirrus, nowhere);
    check("auto", &[], nowhere);
}

#[test]
fn bazel_alone_is_followed_without_being_asked() {
    check(
        "",
        &[("TEST_SHARD_INDEX", "0"), ("TEST_TOTAL_SHARDS", "2")],
        "1/2 TEST_SHARD_INDEX",
    );
    check("", &[("TEST_TOTAL_SHARDS", "0")], "whole");
    check(
        "",
        &[
            ("GITLAB_CI", "true"),
            ("CI_NODE_INDEX", "1"),
            ("CI_NODE_TOTAL", "2"),
        ],
        "whole",
    );
    let status = |name: &str| match name {
        "TEST_SHARD_INDEX" => Some("0".to_owned()),
        "TEST_TOTAL_SHARDS" => Some("2".to_owned()),
        "TEST_SHARD_STATUS_FILE" => Some("/tmp/status".to_owned()),
        _ => None,
    };
    let shard = Shard::find(None, &status).unwrap().unwrap();
    assert_eq!(shard.status_file.as_deref(), Some("/tmp/status"));
}

#[test]
fn kubernetes_needs_the_total_from_us() {
    let pod = [("JOB_COMPLETION_INDEX", "2")];
    check("auto/4", &pod, "3/4 JOB_COMPLETION_INDEX");
    check(
        "auto",
        &pod,
        "--shard: JOB_COMPLETION_INDEX says which shard, and nothing says of how many\nhint: say `auto/N`",
    );
    check(
        "auto/2",
        &pod,
        "--shard: JOB_COMPLETION_INDEX: expected a number from 0 to 1, found `2`",
    );
}

#[test]
fn a_system_that_says_nonsense_is_told_so() {
    let bazel = [("TEST_SHARD_INDEX", "4"), ("TEST_TOTAL_SHARDS", "4")];
    check(
        "",
        &bazel,
        "TEST_SHARD_INDEX: expected a number from 0 to 3, found `4`",
    );
    check(
        "",
        &[("TEST_SHARD_INDEX", "4"), ("TEST_TOTAL_SHARDS", "four")],
        "TEST_TOTAL_SHARDS: expected a number of shards from 1 to 10000, found `four`",
    );
    let gitlab = [
        ("GITLAB_CI", "true"),
        ("CI_NODE_INDEX", "0"),
        ("CI_NODE_TOTAL", "2"),
    ];
    check(
        "auto",
        &gitlab,
        "--shard: CI_NODE_INDEX: expected a number from 1 to 2, found `0`",
    );
    let other = [
        ("GITLAB_CI", "true"),
        ("CI_NODE_INDEX", "1"),
        ("CI_NODE_TOTAL", "2"),
    ];
    check(
        "auto/3",
        &other,
        "--shard: expected 3 shards, found 2 (from CI_NODE_INDEX)",
    );
}

#[test]
fn a_job_that_is_not_divided_is_whole_or_an_error() {
    check(
        "auto",
        &[("GITLAB_CI", "true"), ("CI_NODE_TOTAL", "1")],
        "1/1 CI_NODE_INDEX",
    );
    check(
        "auto",
        &[("BUILDKITE", "true")],
        "--shard: this is Buildkite, and BUILDKITE_PARALLEL_JOB_COUNT is not set: its job is not divided\nhint: say `M/N`, or leave it out",
    );
}
