//! What harness.toml may say, what is said about mistakes, and who goes before whom.

use std::fmt::Write;
use std::num::NonZeroU32;
use std::time::Duration;

use super::*;
use crate::model::{EngineKind, Policy, Scope, Where, samples};

/// All mistakes of a text, as they are shown.
fn mistakes(text: &str) -> String {
    let (_, diagnostics) = read("harness.toml", text);
    let mut shown = String::new();
    for diagnostic in diagnostics {
        writeln!(shown, "{diagnostic}").unwrap();
    }
    shown
}

fn good(text: &str) -> Settings {
    let (settings, mistakes) = read("harness.toml", text);
    assert_eq!(mistakes, []);
    settings
}

#[test]
fn an_empty_file_gives_the_defaults() {
    assert_eq!(good(""), Settings::default());
}

#[test]
fn the_written_defaults_are_the_defaults() {
    let (mut text, mut section) = (String::new(), "");
    for setting in settings().filter(|setting| !setting.default.is_empty()) {
        if setting.section != section {
            section = setting.section;
            writeln!(text, "[{section}]").unwrap();
        }
        writeln!(text, "{} = {}", setting.key, setting.default).unwrap();
    }
    let mut settings = good(&text);
    // All the same but for where they come from.
    settings.deadline.origin = Origin::Default;
    settings.leak.origin = Origin::Default;
    settings.retry.failures.origin = Origin::Default;
    settings.engine.choice.origin = Origin::Default;
    for policy in [
        &mut settings.policy.docker,
        &mut settings.policy.podman,
        &mut settings.policy.podman_socket,
    ] {
        policy.origin = Origin::Default;
    }
    assert_eq!(settings, Settings::default());
}

#[test]
fn every_setting_can_be_set() {
    let settings = good(
        r#"
        scripts = ["fixtures", "more/one.txtar"]
        exclude = ["**/slow/**"]
        dialect = "testscript"
        require-explicit-exec = true
        require-unique-names = true
        deadline = "1m30s"
        grace = "1s"
        ladder-limit = "30s"
        on-hang = "hold"
        slow = "90s"
        leak-grace = "50ms"
        leak = "fail"
        state-dir = "../state"
        output-cap = "64MB"
        container-names = ["net_*"]
        engine = "podman"
        require-engine = true
        masking = false
        images = ["debian:stable-slim"]
        pull-limit = "10m"
        pass-environment = ["CI"]

        [policy]
        docker = "gated"
        podman = "parallel"
        podman-socket = "gated"
        wait = "10m"
        width = 3

        [groups]
        port-8080 = 2

        [environment]
        LANG = "C"
        EMPTY = ""

        [admission]
        disk-floor = "2GB"
        memory-pressure = 80
        settle = "30s"
        engine-faults = 5

        [cleanup]
        when = "on-pass"
        strict = true
        images = "none"
        limit = "10s"

        [programs]
        invowk = "target/debug/invowk"

        [commands]
        same-json = "tools/same-json"

        [check]
        commands = ["own"]
        conditions = ["lucky"]

        [record]
        keep-runs = 5
        keep-bytes = "10MB"

        [retry]
        failures = 2
        signatures = false
        budget = 7
        flaky-result = "fail"
        "#,
    );
    insta::assert_debug_snapshot!(settings, @r#"
    Settings {
        scripts: [
            "fixtures",
            "more/one.txtar",
        ],
        exclude: [
            Pattern {
                text: "**/slow/**",
                tokens: [
                    Folders,
                    Literal(
                        115,
                    ),
                    Literal(
                        108,
                    ),
                    Literal(
                        111,
                    ),
                    Literal(
                        119,
                    ),
                    Literal(
                        47,
                    ),
                    Deep,
                ],
            },
        ],
        dialect: Testscript,
        demands: Demands {
            explicit_exec: true,
            unique_names: true,
        },
        deadline: Sourced {
            value: 90s,
            origin: File {
                file: "harness.toml",
                line: 7,
            },
        },
        grace: 1s,
        ladder_limit: 30s,
        on_hang: Hold,
        slow: 90s,
        leak_grace: 50ms,
        leak: Sourced {
            value: Fail,
            origin: File {
                file: "harness.toml",
                line: 13,
            },
        },
        state_dir: "../state",
        output_cap: 64000000,
        container_names: [
            Pattern {
                text: "net_*",
                tokens: [
                    Literal(
                        110,
                    ),
                    Literal(
                        101,
                    ),
                    Literal(
                        116,
                    ),
                    Literal(
                        95,
                    ),
                    Many,
                ],
            },
        ],
        engine: EngineSettings {
            choice: Sourced {
                value: Only(
                    Podman,
                ),
                origin: File {
                    file: "harness.toml",
                    line: 17,
                },
            },
            require: true,
            masking: false,
            images: [
                "debian:stable-slim",
            ],
            pull_limit: 600s,
        },
        policy: PolicySettings {
            docker: Sourced {
                value: Gated,
                origin: File {
                    file: "harness.toml",
                    line: 25,
                },
            },
            podman: Sourced {
                value: Parallel,
                origin: File {
                    file: "harness.toml",
                    line: 26,
                },
            },
            podman_socket: Sourced {
                value: Gated,
                origin: File {
                    file: "harness.toml",
                    line: 27,
                },
            },
            forced: None,
            wait: 600s,
            width: Of(
                3,
            ),
        },
        groups: {
            "port-8080": 2,
        },
        environment: {
            "EMPTY": "",
            "LANG": "C",
        },
        pass_environment: {
            "CI",
        },
        admission: AdmissionSettings {
            disk_floor: 2000000000,
            memory_pressure: 80,
            settle: 30s,
            engine_faults: 5,
        },
        cleanup: CleanupSettings {
            when: OnPass,
            strict: true,
            built_images: false,
            limit: 10s,
        },
        programs: {
            "invowk": External {
                path: "target/debug/invowk",
                file: "harness.toml",
                line: 51,
                col: 18,
            },
        },
        commands: {
            "same-json": External {
                path: "tools/same-json",
                file: "harness.toml",
                line: 54,
                col: 21,
            },
        },
        check: CheckSettings {
            commands: {
                "own",
            },
            conditions: {
                "lucky",
            },
        },
        record: RecordSettings {
            keep_runs: 5,
            keep_bytes: 10000000,
        },
        retry: RetrySettings {
            failures: Sourced {
                value: 2,
                origin: File {
                    file: "harness.toml",
                    line: 65,
                },
            },
            signatures: false,
            budget: Some(
                7,
            ),
            flaky: Fail,
        },
        quarantine: [],
        signatures: [],
    }
    "#);
}

#[test]
fn all_mistakes_are_told_at_once_in_their_order() {
    insta::assert_snapshot!(mistakes(r#"
deadlin = "3m"
deadline = 30
engine = "dokcer"
scripts = "fixtures"
strict = true
colour = "blue"

[policy]
podman-socket = "parallel"
deadline = "3m"
docker = "paralel"
width = -1

[polcy]
x = 1

[cleanup]
whn = "always"
when = "sometimes"
"#), @r#"
    harness.toml:2:1: unknown setting `deadlin`
      hint: did you mean `deadline`?
    harness.toml:3:12: expected a duration such as `500ms`, `30s`, `3m`, `1m30s`, found an integer
    harness.toml:4:10: expected `docker`, `podman` or `auto`, found `dokcer`
      hint: did you mean `docker`?
    harness.toml:5:11: expected a list of folders and files, found a string
      hint: write `["fixtures"]`
    harness.toml:6:1: unknown setting `strict`
      hint: `strict` belongs in `[cleanup]`
    harness.toml:7:1: unknown setting `colour`
    harness.toml:10:17: expected `serial` or `gated`, found `parallel`
      hint: a Podman service fails under starts that overlap; `gated` lets the rest overlap
    harness.toml:11:1: unknown setting `deadline` in `[policy]`
      hint: `deadline` stands at the top of the file, before the first `[table]`
    harness.toml:12:10: expected `serial`, `gated` or `parallel`, found `paralel`
      hint: did you mean `parallel`?
    harness.toml:13:9: expected a number, 0 for one per processor, found `-1`
    harness.toml:15:2: unknown setting `polcy`
      hint: did you mean `policy`?
    harness.toml:19:1: unknown setting `whn` in `[cleanup]`
      hint: did you mean `when`?
    harness.toml:20:8: expected `always`, `on-pass` or `never`, found `sometimes`
    "#);
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(mistakes(text).trim_end(), expected);
}

#[test]
fn impossible_values_are_mistakes() {
    check(
        "deadline = \"0s\"",
        "harness.toml:1:12: expected a deadline above zero, found `0s`",
    );
    check(
        "deadline = \"3\"",
        "harness.toml:1:12: expected a duration such as `500ms`, `30s`, `3m`, `1m30s`, found `3`",
    );
    check(
        "scripts = []",
        "harness.toml:1:11: expected at least one folder or file, found an empty list",
    );
    check(
        "scripts = [\"a\", \"b\", \"a\"]",
        "harness.toml:1:22: `a` is given twice",
    );
    check(
        "scripts = [\"a\", 1]",
        "harness.toml:1:17: expected a list of folders and files, found an integer",
    );
    check(
        "exclude = [\"\"]",
        "harness.toml:1:12: expected a text, found an empty string",
    );
    check(
        "output-cap = \"0B\"",
        "harness.toml:1:14: expected a cap above zero, found `0B`",
    );
    check(
        "output-cap = \"1 GB\"",
        "harness.toml:1:14: expected a size such as `64MB` or `1GB`, found `1 GB`",
    );
    check(
        "state-dir = \"\"",
        "harness.toml:1:13: expected a folder, found an empty string",
    );
    check(
        "pass-environment = [\"A=B\", \"WORK\", \"\"]",
        "harness.toml:1:21: expected the name of a variable, found `A=B`\n\
         harness.toml:1:28: cannot override `WORK`, the work directory\n\
         harness.toml:1:36: expected a text, found an empty string",
    );
    check(
        "environment = 1",
        "harness.toml:1:1: expected a table `[environment]`, found `environment` as integer",
    );
}

#[test]
fn impossible_values_in_tables_are_mistakes() {
    check(
        "[environment]\n\"A=B\" = \"x\"",
        "harness.toml:2:9: expected the name of a variable, found `A=B`",
    );
    check(
        "[environment]\nWORK = \"/tmp\"\n\"\" = \"x\"",
        "harness.toml:2:8: cannot override `WORK`, the work directory\n\
         harness.toml:3:6: expected the name of a variable, found ``",
    );
    check(
        "[environment]\nA = 1",
        "harness.toml:2:5: expected a text, found an integer",
    );
    check(
        "[record]\nkeep-runs = 0",
        "harness.toml:2:13: expected a number above zero, found `0`",
    );
    check(
        "[record]\nkeep-runs = 99999999999",
        "harness.toml:2:13: expected a number above zero, found `99999999999`",
    );
}

#[test]
fn names_of_programs_and_commands_are_words_that_a_line_can_begin_with() {
    let names = [
        "", ".", "..", ".output", "a/b", "!", "&", "&a&", "[x]", "[]", "#a", "a#b", "a b", "$a",
        "it's", "a\\tb", "a\\u0000",
    ];
    for (table, name) in ["programs", "commands"]
        .iter()
        .flat_map(|table| names.map(|name| (table, name)))
    {
        let text = format!("[{table}]\n\"{name}\" = \"x\"");
        let found = mistakes(&text);
        let place = format!(
            "harness.toml:2:{}: expected a bare name, found `",
            name.len() + 6
        );
        assert!(found.starts_with(&place), "{text}\n{found}");
    }
    let good = good("[programs]\n\"a!b\" = \"x\"\n\"[\" = \"x\"\n\"b&\" = \"x\"\ncmp = \"x\"");
    assert_eq!(good.programs.len(), 4);
}

#[test]
fn a_name_stands_in_one_of_the_two_tables() {
    check(
        "dedline = 1\n[commands]\na = \"x\"\nb = \"x\"\n[programs]\nb = \"y\"\na = \"y\"",
        "harness.toml:1:1: unknown setting `dedline`\n  hint: did you mean `deadline`?\n\
         harness.toml:6:5: `b` stands in `[programs]` and in `[commands]`\n\
         harness.toml:7:5: `a` stands in `[programs]` and in `[commands]`",
    );
}

#[test]
fn quarantines_and_signatures_stand_as_often_as_one_likes() {
    let settings = good(
        r#"
        [[quarantine]]
        name = "net/*"
        reason = "DNS"
        issue = "example/project#7"
        until = 2026-12-31
        engine = "podman"

        [[signature]]
        id = "proxy"
        regex = "^proxy said no"
        retry = ["pull"]

        [[signature]]
        id = "disk"
        regex = "disk (full|slow)"
        engine = "host"
        where = "log"
        class = "resource-exhaustion"
        versions = ">=4.8"
        exit = [1, 125]
        retry = ["run", "network rm"]
        max = 3
        cause = "c"
        remedy = "r"
        "#,
    );
    let [quarantine] = &settings.quarantine[..] else {
        panic!("{:?}", settings.quarantine);
    };
    assert!(quarantine.name.matches("net/a"));
    assert_eq!(
        (quarantine.until.to_string(), quarantine.line),
        ("2026-12-31".to_owned(), 2)
    );
    assert_eq!(quarantine.engine, Some(EngineKind::Podman));
    let [proxy, disk] = &settings.signatures[..] else {
        panic!("{:?}", settings.signatures);
    };
    assert_eq!(
        (proxy.scope, proxy.place, proxy.max),
        (Scope::Any, Where::Stderr, 1)
    );
    assert_eq!(
        (disk.scope, disk.place, disk.max),
        (Scope::Host, Where::Log, 3)
    );
    assert_eq!((&disk.exit[..], disk.retry.len()), (&[1, 125][..], 2));
    assert!(disk.versions.as_ref().unwrap().holds("5.0"));
}

#[test]
fn all_mistakes_of_lists_are_told_at_once() {
    insta::assert_snapshot!(mistakes(r#"
[[quarantine]]
name = "a"
reason = ""
until = "2026-12-31"
[[signature]]
id = "x"
regex = "a("
class = "bad-luck"
exit = [256]
max = 0
[[signature]]
id = "x"
regx = "a"
[quarantine.more]
"#), @r#"
    harness.toml:2:1: `[[quarantine]]` needs `issue`
    harness.toml:4:10: expected a text, found an empty string
    harness.toml:5:9: expected a date such as `2026-12-31`, without quotes, found the text "2026-12-31"
    harness.toml:8:9: expected a regular expression, found `a(`: unclosed group
    harness.toml:9:9: expected `transient-engine`, `resource-exhaustion`, `timing`, `stale-state`, `artifact-collision`, `user-error` or `hang`, found `bad-luck`
    harness.toml:10:9: expected an exit code from 0 to 255
    harness.toml:11:7: expected a number above zero, found `0`
    harness.toml:12:1: `[[signature]]` needs `regex`
    harness.toml:13:6: `x` is given twice
    harness.toml:14:1: unknown setting `regx` in `[signature]`
      hint: did you mean `regex`?
    harness.toml:15:13: unknown setting `more` in `[quarantine]`
    "#);
    insta::assert_snapshot!(mistakes("[signature]\nid = \"x\"\n"), @r#"harness.toml:1:1: expected a list of tables `[[signature]]`, found one `signature`"#);
}

#[test]
fn what_is_no_toml_is_told_with_its_place() {
    insta::assert_snapshot!(mistakes("engine = \ngrace = \"3s\"\n[policy\n"), @r#"
    harness.toml:1:10: string values must be quoted, expected literal string
    harness.toml:3:8: unclosed table, expected `]`
    "#);
}

#[test]
fn the_reference_in_the_documentation_is_the_table() {
    let document = include_str!("../../docs/harness-toml.md");
    let start = document
        .find("## At the top")
        .expect("the reference's first heading");
    assert_eq!(
        document.get(start..),
        Some(reference().as_str()),
        "put the output of config::reference there"
    );
}

#[test]
fn what_was_typed_goes_before_the_file() {
    let typed = Overrides {
        engine: Some(Sourced {
            value: EngineChoice::Only(EngineKind::Docker),
            origin: Origin::Flag("--engine"),
        }),
        width: NonZeroU32::new(7),
        strict: true,
        cleanup: Some(CleanupWhen::Never),
        ..Overrides::default()
    };
    let settings =
        good("engine = \"podman\"\nrequire-engine = true\ngrace = \"1s\"").resolve(&typed);
    assert_eq!(
        settings.engine.choice.value,
        EngineChoice::Only(EngineKind::Docker)
    );
    assert_eq!(settings.engine.choice.clause(), "chosen by --engine");
    assert_eq!(
        settings.policy.width,
        Width::Of(NonZeroU32::new(7).unwrap())
    );
    assert!(settings.engine.require, "nobody typed the contrary");
    assert!(settings.cleanup.strict && settings.cleanup.when == CleanupWhen::Never);
    assert_eq!(settings.grace, Duration::from_secs(1));
}

#[track_caller]
fn check_deadline(
    file: &str,
    typed: Option<Origin>,
    header: Option<u64>,
    seconds: u64,
    clause: &str,
) {
    let deadline = typed.map(|origin| Sourced {
        value: Duration::from_secs(1),
        origin,
    });
    let settings = good(file).resolve(&Overrides {
        deadline,
        ..Overrides::default()
    });
    let header = header.map(|seconds| Sourced {
        value: Duration::from_secs(seconds),
        origin: Origin::Header {
            file: "a.txtar".to_owned(),
            line: 2,
        },
    });
    let found = settings.deadline_for(header);
    assert_eq!(
        (found.value.as_secs(), found.clause().as_str()),
        (seconds, clause)
    );
}

#[test]
fn a_deadline_comes_from_the_nearest_word() {
    let file = "\ndeadline = \"20s\"";
    let flag = Origin::Flag("--deadline");
    let variable = Origin::Environment("SHAKEDOWN_DEADLINE");
    check_deadline("", None, None, 180, "the default");
    check_deadline(file, None, None, 20, "chosen in harness.toml:2");
    check_deadline(file, None, Some(30), 30, "chosen in a.txtar:2");
    check_deadline(
        file,
        Some(variable),
        Some(30),
        1,
        "chosen by SHAKEDOWN_DEADLINE",
    );
    check_deadline(file, Some(flag), Some(30), 1, "chosen by --deadline");
}

#[track_caller]
fn check_policy(
    file: &str,
    forced: Option<Policy>,
    server: EngineKind,
    remote: bool,
    expected: &str,
) {
    let policy = forced.map(|value| Sourced {
        value,
        origin: Origin::Flag("--policy"),
    });
    let settings = good(file).resolve(&Overrides {
        policy,
        ..Overrides::default()
    });
    let mut facts = samples::podman();
    facts.server = server;
    facts.remote = remote;
    let found = match settings.policy_for(&facts) {
        Ok(policy) => format!("{}: {}", policy.value, policy.reason),
        Err(refused) => refused.to_string(),
    };
    assert_eq!(found, expected);
}

#[test]
fn a_policy_has_its_reason() {
    use EngineKind::{Docker, Podman};
    let file = "[policy]\ndocker = \"gated\"\npodman = \"parallel\"";
    check_policy("", None, Docker, true, "parallel: the default for Docker");
    check_policy(
        "",
        None,
        Podman,
        false,
        "serial: the default for local Podman, which fails under starts that overlap",
    );
    check_policy(
        "",
        None,
        Podman,
        true,
        "serial: the default for Podman behind a socket, which fails under starts that overlap",
    );
    check_policy(file, None, Docker, true, "gated: chosen in harness.toml:2");
    check_policy(
        file,
        None,
        Podman,
        false,
        "parallel: chosen in harness.toml:3",
    );
    check_policy(
        file,
        Some(Policy::Gated),
        Podman,
        true,
        "gated: chosen by --policy",
    );
    check_policy(
        file,
        Some(Policy::Parallel),
        Podman,
        true,
        "policy `parallel` (--policy) is not possible on podman 4.3.1 rootless behind a socket: expected `serial` or `gated`",
    );
}
