//! Laps, stop rules, orders, and scripts that cannot run beside others, through the program.

use super::project::{Project, Record};

/// The trials' names in the order of starts.
fn starts(record: &Record) -> Vec<String> {
    let mut starts: Vec<_> = record.of("attempt_started").collect();
    starts.sort_by_key(|start| start["order"].as_u64());
    let name = |start: &&serde_json::Value| {
        let id = start["attempt"].as_str().unwrap();
        let trial: u64 = id.split('.').next().unwrap().parse().unwrap();
        let planned = record
            .of("trial_planned")
            .find(|planned| planned["trial"] == trial);
        planned.unwrap()["name"].as_str().unwrap().to_owned()
    };
    starts.iter().map(name).collect()
}

fn letters(text: &str) -> Project {
    ["a", "b", "c", "d", "e", "f"]
        .into_iter()
        .fold(Project::new(), |project, name| project.script(name, text))
}

/// Whether two attempts of these trials ran at the same time.
fn overlap(record: &Record, one: u64, other: u64) -> bool {
    let at = |name: &str, trial: u64| {
        let id = format!("{trial}.1.1");
        let event = record
            .of(name)
            .find(|event| event["attempt"] == id.as_str());
        event.unwrap()["at"].as_f64().unwrap()
    };
    let span = |trial| (at("attempt_started", trial), at("attempt_ended", trial));
    let (one, other) = (span(one), span(other));
    one.0 < other.1 && other.0 < one.1
}

#[test]
fn a_count_runs_every_trial_so_often_and_keeps_one_line_for_each() {
    let project = letters("exec true\n");
    let output = project
        .run()
        .args(["--count", "5", "--test-threads=3"])
        .finish();
    output.expect_code(0);
    let lines = output
        .stdout()
        .lines()
        .filter(|line| line.starts_with("test a ... ok"));
    assert_eq!(lines.count(), 1, "{}", output.stdout());
    assert!(
        output.stdout().contains("test result: ok. 6 passed"),
        "{}",
        output.stdout()
    );
    let record = project.record();
    assert_eq!(record.of("attempt_started").count(), 30);
    assert_eq!(record.of("trial_settled").count(), 6);
}

#[test]
fn under_exact_the_laps_are_those_of_the_one_trial_and_its_name_stays() {
    let project = letters("exec true\n");
    let output = project
        .run()
        .args(["--exact", "--", "b"])
        .env("SHAKEDOWN_COUNT", "4")
        .finish();
    output.expect_code(0);
    assert!(
        output.stdout().contains("test b ... ok"),
        "{}",
        output.stdout()
    );
    assert_eq!(project.record().of("attempt_started").count(), 4);
}

#[test]
fn until_fail_ends_with_the_first_failure() {
    let project = Project::new();
    let file = project.path("laps");
    let text = format!(
        "exec sh -c 'echo x >>{0}; test $(wc -l <{0}) -lt 4'\n",
        file.display()
    );
    let project = project.script("counts", text);
    let run = project.run().args(["--until-fail", "--test-threads=1"]);
    run.finish().expect_code(101);
    assert_eq!(project.record().of("attempt_started").count(), 4);
}

#[test]
fn after_so_many_failures_nothing_more_begins() {
    let project = letters("exec false\n");
    let output = project
        .run()
        .args(["--max-fail", "2", "--test-threads=1"])
        .finish();
    output.expect_code(101);
    let record = project.record();
    assert_eq!(record.of("attempt_started").count(), 2);
    let verdict = record.verdict("f");
    assert_eq!(verdict, ("not_run", "the run stopped after 2 failures"));
}

#[test]
fn a_run_for_some_time_runs_every_trial_at_least_once() {
    let project = letters("exec true\n");
    project
        .run()
        .args(["--for", "10ms"])
        .finish()
        .expect_code(0);
    assert!(project.record().of("attempt_started").count() >= 6);
    assert_eq!(project.record().of("trial_settled").count(), 6);
}

#[test]
fn a_seed_repeats_a_random_order_and_is_said() {
    let run = |words: &[&str]| {
        let project = letters("exec true\n");
        let output = project.run().arg("--test-threads=1").args(words).finish();
        output.expect_code(0);
        let seed = project.record().of("run_started").next().unwrap()["seed"].clone();
        output.expect_stderr(&format!("--shuffle={seed}"));
        (seed, starts(&project.record()))
    };
    let (seed, order) = run(&["--shuffle"]);
    let again = format!("--shuffle={seed}");
    assert_eq!(run(&[&again]), (seed.clone(), order.clone()));
    assert_eq!(run(&["--shuffle-seed", &seed.to_string()]).1, order);
}

#[test]
fn a_recorded_order_is_repeated_and_what_it_does_not_name_comes_after_it() {
    let project = letters("exec true\n");
    let run = |words: &[&str]| {
        let run = project.run().arg("--test-threads=1").args(words);
        run.finish().expect_code(0);
        starts(&Record::read(project.record_files().last().unwrap()))
    };
    let order = run(&["--shuffle=5", "--count=2"]);
    assert_ne!(order, run(&["--count=2"]), "the seed gives another order");
    let file = project.record_files().remove(0);
    let id = file.file_stem().unwrap().to_str().unwrap();
    assert_eq!(run(&["--order", id, "--count=2"]), order);
    assert_eq!(run(&["--order=latest", "--count=2"]), order);
    let file = file.to_str().unwrap();
    assert_eq!(run(&["--order", file, "--count=2"]), order);

    let skips = |name: &String| name != "b";
    let without: Vec<String> = order.iter().filter(|name| skips(name)).cloned().collect();
    let skip = ["--skip", "b", "--order", file, "--count=2"];
    assert_eq!(run(&skip), without);
    // The record of the last run does not know `b`.
    let wanted = [&without[..], &["b".to_owned(), "b".to_owned()]].concat();
    assert_eq!(run(&["--order=latest", "--count=2"]), wanted);
}

#[test]
fn an_order_that_cannot_be_read_is_a_mistake_and_nothing_runs() {
    let project = letters("exec true\n").file("notes", "no record\n");
    let notes = project.path("notes");
    let check = |run: &str, wanted: &str| {
        let output = project.run().args(["--order", run]).finish();
        output.expect_code(2).expect_stderr(wanted);
    };
    check("latest", "error: --order: no run is recorded in ");
    check(
        "20200101-000000-0-1",
        "20200101-000000-0-1.jsonl: No such file",
    );
    check(notes.to_str().unwrap(), "found lines that are not of one");
    assert!(project.record_files().is_empty());
}

#[test]
fn an_exclusive_script_runs_alone_and_a_group_lets_in_as_many_as_it_may() {
    let grouped = "#: groups = [\"door\"]\nexec sleep 0.2\n";
    let project = Project::new()
        .script("a", "#: exclusive = true\nexec sleep 0.2\n")
        .script("b", grouped)
        .script("c", grouped)
        .script("d", "exec sleep 0.2\n");
    project
        .run()
        .arg("--test-threads=4")
        .finish()
        .expect_code(0);
    let record = project.record();
    for other in 2..=4 {
        assert!(!overlap(&record, 1, other), "{other}");
    }
    assert!(!overlap(&record, 2, 3));
}

#[test]
fn the_longest_is_first_the_next_time_and_before_it_what_failed() {
    let project = Project::new()
        .script("a_short", "exec true\n")
        .script("b_long", "exec sleep 0.5\n")
        .script("c_bad", "exec false\n");
    let run = || {
        let run = project.run().arg("--test-threads=1");
        run.finish().expect_code(101);
        let record = Record::read(project.record_files().last().unwrap());
        starts(&record)
    };
    assert_eq!(run(), ["a_short", "b_long", "c_bad"]);
    assert_eq!(run(), ["c_bad", "b_long", "a_short"]);
    // Torn, it is made anew from the records.
    let file = project.state().join("durations.json");
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(run(), ["a_short", "b_long", "c_bad"]);
    assert_eq!(run(), ["c_bad", "b_long", "a_short"]);
}

#[test]
fn a_file_of_durations_says_what_is_long() {
    let durations = r#"{"version":1,"runs":[],"trials":{
        "a":{"seconds":[1],"failed":false},"b":{"seconds":[1,3,90],"failed":false},
        "c":{"seconds":[2],"failed":false},"d":{"seconds":[0.5],"failed":true},
        "e":{"seconds":[9],"failed":false},"f":{"seconds":[4],"failed":false}}}"#;
    let project = letters("exec true\n").file("given.json", durations);
    let given = project.path("given.json");
    let run = project.run().arg("--test-threads=1");
    run.env("SHAKEDOWN_DURATIONS", given.to_str().unwrap())
        .finish()
        .expect_code(0);
    let order = starts(&project.record());
    assert_eq!(order, ["d", "e", "f", "b", "c", "a"]);
}

#[test]
fn of_failures_of_one_kind_the_first_ones_long_log_and_hang_are_kept() {
    let long = "exec sh -c 'yes 0123456789 | head -c 200000'\nexec false\n";
    let project = Project::new()
        .script("long", long)
        .script("late", "#: deadline = \"200ms\"\nexec sleep 1000\n");
    let run = project.run().args(["--count", "3", "--test-threads=1"]);
    let output = run.finish();
    output.expect_code(101);
    let record = project.record();
    let ended = |key: &str| {
        let ends = record.of("attempt_ended");
        let named = ends.filter(|end| {
            let name = end["report"][key].as_str();
            name.is_some_and(|name| !name.is_empty())
        });
        named.count()
    };
    assert_eq!((ended("log_file"), ended("hang_file")), (1, 1));
    for folder in [
        project.state().join("hangs"),
        project.state().join("runs").join(record.run()),
    ] {
        let files = std::fs::read_dir(&folder).unwrap().count();
        assert_eq!(files, 1, "{}", folder.display());
    }
    output.expect_stderr("first exit 1: lap 1, log ");
}

#[test]
fn what_is_remembered_while_a_run_goes_on_is_what_its_record_says() {
    let project = letters("exec true\n").script("bad", "exec false\n");
    let file = project.state().join("durations.json");
    let run = || {
        project.run().finish().expect_code(101);
        let text = std::fs::read(&file).unwrap();
        serde_json::from_slice::<serde_json::Value>(&text).unwrap()
    };
    let heard = run();
    std::fs::remove_file(&file).unwrap();
    // The second run reads the first one's record.
    let read = run();
    let heard = heard["trials"].as_object().unwrap();
    assert_eq!(heard.len(), 7);
    for (name, trial) in heard {
        assert_eq!(trial["failed"], name == "bad");
        assert_eq!(trial["failed"], read["trials"][name]["failed"]);
        assert_eq!(trial["seconds"][0], read["trials"][name]["seconds"][0]);
    }
}

#[test]
fn a_run_shorter_than_the_reading_of_its_executable_says_what_it_tested() {
    let project = Project::new().script("short", "exec true\n");
    for _ in 0..2 {
        project.target().without_engine().finish().expect_code(0);
    }
    let hashes = |file: &std::path::PathBuf| {
        let record = Record::read(file);
        let programs = record.of("programs").next();
        let hash = programs?["hashes"]["harness"].as_str()?;
        Some(hash.to_owned())
    };
    let files = project.record_files();
    let said: Vec<_> = files.iter().map(hashes).collect();
    assert_eq!(said.len(), 2);
    assert!(said[0].is_some(), "{said:?}");
    assert_eq!(said[0], said[1]);
}
