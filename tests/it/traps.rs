//! The traps of harnesses under `cargo test` and cargo-nextest, each with the tests that hold it. A test that is renamed
//! or removed is noticed here.

use std::fs;
use std::path::Path;

use super::project::package;

/// The trap, and the functions that test it, each in its file.
const TRAPS: &[(&str, &[(&str, &str)])] = &[
    (
        "T1 noise on stdout while listing breaks nextest's list",
        &[(
            "tests/it/libtest.rs",
            "the_three_forms_of_a_list_hold_names_and_nothing_else",
        )],
    ),
    (
        "T2 `--exact` that matches nothing must fail under nextest",
        &[("tests/it/nextest.rs", "a_trial_that_is_gone_fails")],
    ),
    (
        "T3 no flag may change names or selection under `--exact`",
        &[
            (
                "tests/it/shards.rs",
                "a_trial_that_is_named_exactly_runs_in_every_shard_and_it_is_said",
            ),
            (
                "tests/it/laps.rs",
                "under_exact_the_laps_are_those_of_the_one_trial_and_its_name_stays",
            ),
            (
                "tests/it/nextest.rs",
                "laps_that_nextest_asks_for_are_of_the_one_trial_and_one_bad_one_fails_it",
            ),
        ],
    ),
    (
        "T4 `--test-threads=0` must not wait for ever",
        &[("src/cli/tests.rs", "threads_are_never_zero")],
    ),
    (
        "T5 two filters, `--no-capture`, RUST_TEST_THREADS",
        &[
            ("tests/it/libtest.rs", "filters_add_up_and_skips_take_away"),
            (
                "src/cli/tests.rs",
                "libtest_flags_that_libtest_mimic_lacks_are_taken_too",
            ),
            (
                "tests/it/libtest.rs",
                "the_number_of_threads_comes_from_the_flag_or_the_environment",
            ),
        ],
    ),
    (
        "T6 the exit code of a usage error",
        &[(
            "tests/it/libtest.rs",
            "usage_errors_are_told_with_a_hint_and_nothing_runs",
        )],
    ),
    (
        "T7 a listed benchmark breaks nextest's list",
        &[("tests/it/libtest.rs", "there_are_no_benchmarks")],
    ),
    (
        "T8 a grandchild in a session of its own that ignores SIGTERM survives SIGTERM to us",
        &[(
            "tests/it/interruption.rs",
            "sigterm_tells_what_ran_and_ends_before_anybody_would_kill_it_whatever_the_script_does",
        )],
    ),
    (
        "T9 SIGKILL to us leaves things behind",
        &[
            (
                "tests/it/interruption.rs",
                "when_the_harness_is_killed_its_slots_and_their_scripts_go_too",
            ),
            (
                "tests/it/orphans.rs",
                "the_next_run_ends_the_processes_of_a_killed_one_and_removes_its_directories",
            ),
        ],
    ),
    (
        "T10 `::error::` in a script's output: no such report yet",
        &[],
    ),
    ("T11 control characters in JUnit: no such report yet", &[]),
    ("T12 equal names in GitLab: no such report yet", &[]),
    (
        "T13 CI_NODE_INDEX counts from 1 on GitLab and from 0 on Cirrus",
        &[
            ("src/plan/shard_tests.rs", "each_system_counts_its_own_way"),
            (
                "src/plan/shard_tests.rs",
                "the_same_names_of_another_system_mean_nothing",
            ),
        ],
    ),
    (
        "T14 a torn history stops everything",
        &[
            (
                "tests/it/interruption.rs",
                "a_torn_record_is_told_up_to_where_it_is_torn",
            ),
            (
                "tests/it/laps.rs",
                "the_longest_is_first_the_next_time_and_before_it_what_failed",
            ),
            (
                "tests/it/shards.rs",
                "durations_that_cannot_be_read_are_a_mistake_and_nothing_runs",
            ),
        ],
    ),
    (
        "T15 a wait for the engine is charged to the deadline",
        &[(
            "tests/it/lanes.rs",
            "a_script_that_is_held_waits_its_turn_and_the_wait_is_not_charged",
        )],
    ),
    (
        "T16 a worker that is stuck hangs the run",
        &[(
            "tests/it/ladder.rs",
            "a_worker_that_is_stopped_is_given_up_soon_after_the_deadline",
        )],
    ),
    (
        "T17 what a script prints tears the lines of libtest",
        &[(
            "tests/it/libtest.rs",
            "what_commands_print_never_reaches_the_lines_of_libtest",
        )],
    ),
    (
        "T18 nextest lists twice at once",
        &[
            (
                "tests/it/libtest.rs",
                "two_lists_at_once_do_not_disturb_each_other",
            ),
            (
                "tests/it/libtest.rs",
                "a_list_starts_nothing_and_leaves_nothing",
            ),
        ],
    ),
    (
        "T19 a command ends well while its output is held open",
        &[(
            "tests/it/verdicts.rs",
            "a_leaked_pipe_passes_and_is_told_with_its_holder",
        )],
    ),
    (
        "T20 the output differs from libtest's",
        &[
            (
                "src/report/tests/libtest.rs",
                "pretty_and_terse_are_what_real_libtest_prints",
            ),
            (
                "src/report/tests/libtest.rs",
                "json_is_what_libtest_mimic_prints",
            ),
            (
                "tests/it/transcripts.rs",
                "pretty_and_terse_are_libtests_with_one_lap_and_with_several",
            ),
            (
                "tests/it/transcripts.rs",
                "json_is_libtest_mimics_with_one_lap_and_with_several",
            ),
        ],
    ),
];

#[test]
fn every_trap_is_held_by_a_test_that_is_there() {
    for (number, (trap, tests)) in (1..).zip(TRAPS) {
        assert!(trap.starts_with(&format!("T{number} ")), "{trap}");
        assert_eq!(
            tests.is_empty(),
            trap.ends_with("no such report yet"),
            "{trap}"
        );
        for (file, name) in *tests {
            let text = fs::read_to_string(Path::new(package()).join(file)).unwrap();
            let function = format!("fn {name}(");
            let (before, _) = text
                .split_once(&function)
                .unwrap_or_else(|| panic!("{trap}: no {name} in {file}"));
            let attribute = before.trim_end().lines().next_back().unwrap_or_default();
            assert_eq!(attribute.trim(), "#[test]", "{trap}: {name} in {file}");
        }
    }
    assert_eq!(TRAPS.len(), 20);
}
