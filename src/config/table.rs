//! The settings, one entry each: key, what it expects, default, what it is for, how it is set.
//!
//! Reading, the "did you mean" of an unknown key, the help and docs/harness-toml.md all come from here.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use super::entry::{Setting, SettingFacts, setting};
use super::tries;
use super::value::{Given, Mistake, variable};
use super::{
    CleanupWhen, Dialect, EngineChoice, External, LeakRule, OnHang, Width, duration, size,
};
use crate::model::Policy;

/// All settings, in the order of the documentation.
pub fn settings() -> impl Iterator<Item = &'static SettingFacts> {
    all().map(|setting| &setting.facts)
}

/// The whole table.
pub(super) fn all() -> impl Iterator<Item = &'static Setting> {
    TABLE.iter().chain(tries::TABLE)
}

/// Less leaves no time for anything before SIGKILL.
const SHORTEST_LADDER: Duration = Duration::from_secs(6);
const BOOL: &str = "`true` or `false`";
const POLICY: &str = "`serial`, `gated` or `parallel`";
const PATTERNS: &str = "a list of patterns";

static TABLE: &[Setting] = &[
    setting(
        ("", "scripts"),
        "a list of folders and files",
        r#"["fixtures"]"#,
        "Where the scripts are: folders, searched with all their sub-folders for `*.txtar` and `*.txt`, and single files. Left out are hidden folders in them, such as `.git`, and what is neither a file nor a link to one. Relative to the folder of harness.toml.",
        |settings, given| {
            settings.scripts = given.list()?;
            if settings.scripts.is_empty() {
                return Err(vec![given.wrong(
                    "expected at least one folder or file, found an empty list",
                )]);
            }
            Ok(())
        },
    ),
    setting(
        ("", "exclude"),
        PATTERNS,
        "[]",
        "Scripts that are left out. `*` and `?` stay within one part of a path, `**` crosses parts; a pattern without `/` is held against the last part of the name.",
        |settings, given| {
            settings.exclude = given.patterns()?;
            Ok(())
        },
    ),
    setting(
        ("", "dialect"),
        "`shakedown` or `testscript`",
        r#""shakedown""#,
        "The language of the scripts: Go's testscript with our additions, or Go's testscript alone.",
        |settings, given| {
            settings.dialect = given.one_of(&Dialect::WORDS).map_err(one)?;
            Ok(())
        },
    ),
    setting(
        ("", "require-explicit-exec"),
        BOOL,
        "false",
        "A program that is called without `exec` fails its line, as testscript's `RequireExplicitExec` has it.",
        |settings, given| flag(given, &mut settings.demands.explicit_exec),
    ),
    setting(
        ("", "require-unique-names"),
        BOOL,
        "false",
        "A file of an archive that would be written over another one fails the script before its first line, as testscript's `RequireUniqueNames` has it.",
        |settings, given| flag(given, &mut settings.demands.unique_names),
    ),
    setting(
        ("", "deadline"),
        duration::EXPECTED,
        r#""3m""#,
        "How long a script may take. Waiting for the engine is not counted. A script's `#: deadline = …` goes before it, and `--deadline` before that.",
        |settings, given| {
            let deadline = given.duration().map_err(one)?;
            if deadline == Duration::ZERO {
                return Err(one(
                    given.wrong("expected a deadline above zero, found `0s`")
                ));
            }
            settings.deadline = given.sourced(deadline);
            Ok(())
        },
    ),
    setting(
        ("", "grace"),
        duration::EXPECTED,
        r#""3s""#,
        "How long a script's processes have between SIGTERM and SIGKILL when the deadline has passed.",
        |settings, given| {
            settings.grace = given.duration().map_err(one)?;
            Ok(())
        },
    ),
    setting(
        ("", "ladder-limit"),
        duration::EXPECTED,
        r#""20s""#,
        "How long ending a script may take in all, from its deadline: looking at it, asking the engine, removing its containers, SIGTERM and the grace, SIGKILL. What is left of it limits each step; at least 5 s are kept for SIGKILL.",
        |settings, given| {
            settings.ladder_limit = given.duration().map_err(one)?;
            if settings.ladder_limit < SHORTEST_LADDER {
                return Err(vec![given.wrong("expected at least `6s`, found less")]);
            }
            Ok(())
        },
    ),
    setting(
        ("", "on-hang"),
        "`end` or `hold`",
        r#""end""#,
        "What happens at a deadline: the script is ended; or everything is kept alive, and stderr says how to attach, until Enter is pressed or the run is interrupted. `hold` needs somebody who waits: it has no place in CI.",
        |settings, given| {
            settings.on_hang = given.one_of(&OnHang::WORDS).map_err(one)?;
            Ok(())
        },
    ),
    setting(
        ("", "slow"),
        duration::EXPECTED,
        r#""1m""#,
        "Where stderr is no terminal, a line says what still runs when a script has run so long, and again each time so long has passed; `0s`: never. It changes no verdict.",
        |settings, given| {
            settings.slow = given.duration().map_err(one)?;
            Ok(())
        },
    ),
    setting(
        ("", "leak-grace"),
        duration::EXPECTED,
        r#""200ms""#,
        "How long the rest of the output is awaited when a command has ended but something still holds its output open.",
        |settings, given| {
            settings.leak_grace = given.duration().map_err(one)?;
            Ok(())
        },
    ),
    setting(
        ("", "leak"),
        "`warn` or `fail`",
        r#""warn""#,
        "What an output that stays open past `leak-grace` means: a warning that names the holder, or a failure. A script's `#: leak = …` goes before it, and `--leak` before that.",
        |settings, given| {
            let leak = given.one_of(&LeakRule::WORDS).map_err(one)?;
            settings.leak = given.sourced(leak);
            Ok(())
        },
    ),
    setting(
        ("", "state-dir"),
        "a folder",
        r#"".shakedown""#,
        "Where records and history live. Relative to the folder of harness.toml. It ignores itself for git.",
        |settings, given| {
            settings.state_dir = given.text().map_err(one)?;
            Ok(())
        },
    ),
    setting(
        ("", "output-cap"),
        size::EXPECTED,
        r#""1GB""#,
        "Largest output of one command that a script can use. Past it the command's output counts as an error, never as a shorter output.",
        |settings, given| {
            settings.output_cap = given.size().map_err(one)?;
            if settings.output_cap == 0 {
                return Err(vec![given.wrong("expected a cap above zero, found `0B`")]);
            }
            Ok(())
        },
    ),
    setting(
        ("", "container-names"),
        PATTERNS,
        r#"["container_*"]"#,
        "Names of scripts that belong to the container lane. A script with `#: container = true`, or with a line that runs `docker`, `podman` or `$ENGINE`, belongs to it anyway.",
        |settings, given| {
            settings.container_names = given.patterns()?;
            Ok(())
        },
    ),
    setting(
        ("", "engine"),
        "`docker`, `podman` or `auto`",
        r#""auto""#,
        "Which engine the container lane uses; `auto` takes the first healthy one, Docker before Podman.",
        |settings, given| {
            let choice = given.one_of(&EngineChoice::WORDS).map_err(one)?;
            settings.engine.choice = given.sourced(choice);
            Ok(())
        },
    ),
    setting(
        ("", "require-engine"),
        BOOL,
        "false",
        "Without a usable engine the container lane is a fault, instead of ignored.",
        |settings, given| flag(given, &mut settings.engine.require),
    ),
    setting(
        ("", "masking"),
        BOOL,
        "true",
        "Hide the engine that was not selected from scripts, so that none uses it by mistake. `false` lets scripts use both.",
        |settings, given| flag(given, &mut settings.engine.masking),
    ),
    setting(
        ("", "images"),
        "a list of images",
        "[]",
        "Images that are pulled once, before the first container trial, where they are not there. A pull that fails by the registry or the way to it is tried again, up to three times. When an image cannot be had, the container trials that name it are faults, and do not run.",
        |settings, given| {
            settings.engine.images = given.list()?;
            Ok(())
        },
    ),
    setting(
        ("", "pull-limit"),
        duration::EXPECTED,
        r#""5m""#,
        "How long pulling all of `images` may take, with everything that is tried again.",
        |settings, given| {
            settings.engine.pull_limit = given.duration().map_err(one)?;
            Ok(())
        },
    ),
    setting(
        ("", "pass-environment"),
        "a list of variable names",
        "[]",
        "Variables that scripts get from the harness's own environment, where they are set. A variable of the same name in `[environment]` goes before it. `WORK` cannot be passed.",
        |settings, given| {
            settings.pass_environment = given.variables()?.into_iter().collect();
            Ok(())
        },
    ),
    setting(
        ("policy", "docker"),
        POLICY,
        r#""parallel""#,
        "How container trials share Docker: one at a time; overlapping, but never two container starts at once; or freely.",
        |settings, given| {
            settings.policy.docker = given.sourced(given.one_of(&POLICIES).map_err(one)?);
            Ok(())
        },
    ),
    setting(
        ("policy", "podman"),
        POLICY,
        r#""serial""#,
        "The same for Podman on this machine.",
        |settings, given| {
            settings.policy.podman = given.sourced(given.one_of(&POLICIES).map_err(one)?);
            Ok(())
        },
    ),
    setting(
        ("policy", "podman-socket"),
        "`serial` or `gated`",
        r#""serial""#,
        "The same for Podman behind a socket: remote, a machine, or a `docker` that is Podman. `parallel` is not possible there.",
        |settings, given| {
            let policy = given.one_of(&POLICIES).map_err(one)?;
            if policy == Policy::Parallel {
                let mistake = given.wrong("expected `serial` or `gated`, found `parallel`");
                return Err(vec![mistake.hint("a Podman service fails under starts that overlap; `gated` lets the rest overlap")]);
            }
            settings.policy.podman_socket = given.sourced(policy);
            Ok(())
        },
    ),
    setting(
        ("policy", "wait"),
        duration::EXPECTED,
        r#""1h""#,
        "How long a run waits for its turn on an engine that other runs of the account use. Who is waited for is said at once and every minute. When it has waited so long, its container trials are not run.",
        |settings, given| {
            settings.policy.wait = given.duration().map_err(one)?;
            Ok(())
        },
    ),
    setting(
        ("policy", "width"),
        "a number, 0 for one per processor",
        "0",
        "How many trials run at once, over both lanes. `--test-threads` and RUST_TEST_THREADS go before it.",
        |settings, given| {
            let number = NonZeroU32::new(given.number().map_err(one)?);
            settings.policy.width = number.map_or(Width::Cores, Width::Of);
            Ok(())
        },
    ),
    setting(
        ("groups", "NAME"),
        "a number above zero",
        "",
        "How many scripts of this group may run at once, over both lanes. A script says with `#: groups = [\"NAME\"]` that it belongs to a group; in a group that is not here there is room for one.",
        |settings, given| {
            let limit = given.number().map_err(one)?;
            if limit == 0 {
                return Err(vec![given.wrong("expected a number above zero, found `0`: no script of the group could ever run")]);
            }
            settings.groups.insert(given.key.to_owned(), limit);
            Ok(())
        },
    ),
    setting(
        ("environment", "NAME"),
        "a text",
        "",
        "A variable set in every script. The value is taken as it is; nothing in it is expanded. `WORK` cannot be set.",
        |settings, given| {
            variable(given.key).map_err(|why| one(given.wrong(why)))?;
            let value = given.any_text().map_err(one)?;
            if value.contains('\0') {
                return Err(vec![given.wrong("a variable cannot hold a zero byte")]);
            }
            settings.environment.insert(given.key.to_owned(), value);
            Ok(())
        },
    ),
    setting(
        ("admission", "disk-floor"),
        size::EXPECTED,
        r#""1GB""#,
        "Container trials wait while less is free where the engine stores images and containers, or where scripts work; `0B`: they never do.",
        |settings, given| {
            settings.admission.disk_floor = given.size().map_err(one)?;
            Ok(())
        },
    ),
    setting(
        ("admission", "memory-pressure"),
        "a number of percent, up to 100",
        "50",
        "Container trials wait while everything on the machine spent more than this share of the last 10 s waiting for memory (`full avg10` of `/proc/pressure/memory`); `0`: they never do.",
        |settings, given| {
            settings.admission.memory_pressure = given.number().map_err(one)?;
            if settings.admission.memory_pressure > 100 {
                return Err(vec![given.wrong("expected at most `100`, found more")]);
            }
            Ok(())
        },
    ),
    setting(
        ("admission", "settle"),
        duration::EXPECTED,
        r#""2m""#,
        "How long container trials wait for an engine that does not answer, or for room on the machine. Then they are not run, unless all is well again before the rest of the run is over.",
        |settings, given| {
            settings.admission.settle = given.duration().map_err(one)?;
            Ok(())
        },
    ),
    setting(
        ("admission", "engine-faults"),
        "a number above zero",
        "3",
        "After so many trials in a row that failed by the engine's fault, no container trial starts until the engine is well again.",
        |settings, given| {
            settings.admission.engine_faults = given.number().map_err(one)?;
            if settings.admission.engine_faults == 0 {
                return Err(vec![given.wrong("expected a number above zero, found `0`")]);
            }
            Ok(())
        },
    ),
    setting(
        ("cleanup", "when"),
        "`always`, `on-pass` or `never`",
        r#""always""#,
        "When a script's containers, networks, volumes and the like are removed.",
        |settings, given| {
            settings.cleanup.when = given.one_of(&CleanupWhen::WORDS).map_err(one)?;
            Ok(())
        },
    ),
    setting(
        ("cleanup", "strict"),
        BOOL,
        "false",
        "Something left behind, or an output left open, fails the run (exit code 103).",
        |settings, given| flag(given, &mut settings.cleanup.strict),
    ),
    setting(
        ("cleanup", "images"),
        "`built` or `none`",
        r#""built""#,
        "Which images are removed after a script: those that it built, or none. Pulled images stay.",
        |settings, given| {
            let words = [("built", true), ("none", false)];
            settings.cleanup.built_images = given.one_of(&words).map_err(one)?;
            Ok(())
        },
    ),
    setting(
        ("cleanup", "limit"),
        duration::EXPECTED,
        r#""30s""#,
        "How long removing what a script made may hold up the next script. What is still there then is tried again when all scripts are over.",
        |settings, given| {
            let limit = given.duration().map_err(one)?;
            if limit == Duration::ZERO {
                return Err(one(given.wrong("expected a limit above zero, found `0s`")));
            }
            settings.cleanup.limit = limit;
            Ok(())
        },
    ),
    setting(
        ("programs", "NAME"),
        "a path",
        "",
        "A program that scripts can call by this bare name: a word without quotes, `/`, `#` or `$`, which does not begin with a dot. Relative to the folder of harness.toml. One that is not there, or not executable, is a mistake: nothing runs.",
        |settings, given| {
            let program = external(given, &settings.commands).map_err(one)?;
            settings.programs.insert(given.key.to_owned(), program);
            Ok(())
        },
    ),
    setting(
        ("commands", "NAME"),
        "a path",
        "",
        "An executable that scripts call as a command of this name, which decides itself what `!` means: it finds `SHAKEDOWN_EXPECT` set to `success` or `failure`, and exit code 0 says that this was met. Relative to the folder of harness.toml. One that is not there, or not executable, is a mistake: nothing runs.",
        |settings, given| {
            let command = external(given, &settings.programs).map_err(one)?;
            settings.commands.insert(given.key.to_owned(), command);
            Ok(())
        },
    ),
    setting(
        ("check", "commands"),
        "a list of names",
        "[]",
        "Commands and programs that the test target registers, for `shakedown check`: the program `shakedown` cannot know them.",
        |settings, given| {
            settings.check.commands = given.list()?.into_iter().collect();
            Ok(())
        },
    ),
    setting(
        ("check", "conditions"),
        "a list of names",
        "[]",
        "The same for conditions, without their brackets and what follows a `:`.",
        |settings, given| {
            settings.check.conditions = given.list()?.into_iter().collect();
            Ok(())
        },
    ),
    setting(
        ("record", "keep-runs"),
        "a number above zero",
        "30",
        "How many runs are kept in the state folder.",
        |settings, given| {
            settings.record.keep_runs = given.number().map_err(one)?;
            if settings.record.keep_runs == 0 {
                return Err(vec![given.wrong("expected a number above zero, found `0`")]);
            }
            Ok(())
        },
    ),
    setting(
        ("record", "keep-bytes"),
        size::EXPECTED,
        r#""1GB""#,
        "How large the kept runs may be together; the latest is always kept.",
        |settings, given| {
            settings.record.keep_bytes = given.size().map_err(one)?;
            Ok(())
        },
    ),
];

const POLICIES: [(&str, Policy); 3] = [
    ("serial", Policy::Serial),
    ("gated", Policy::Gated),
    ("parallel", Policy::Parallel),
];

/// Most setters find at most one mistake.
fn one(mistake: Mistake) -> Vec<Mistake> {
    vec![mistake]
}

fn flag(given: &Given<'_>, place: &mut bool) -> Result<(), Vec<Mistake>> {
    *place = given.flag().map_err(one)?;
    Ok(())
}

/// A program or command; a line can begin with its name, which is not taken by the other table.
fn external(given: &Given<'_>, taken: &BTreeMap<String, External>) -> Result<External, Mistake> {
    let name = given.key;
    if !is_command_word(name) {
        return Err(given.wrong(format!("expected a bare name, found `{name}`")));
    }
    if taken.contains_key(name) {
        let message = format!("`{name}` stands in `[programs]` and in `[commands]`");
        return Err(given.wrong(message));
    }
    given.external()
}

/// Without quotes it is one word that means nothing else, and it can be a file's name beside those that a slot hides.
fn is_command_word(name: &str) -> bool {
    let enclosed = |first, last| name.starts_with(first) && name.ends_with(last);
    let is_mark = name.is_empty() || name == "!" || enclosed('[', ']') || enclosed('&', '&');
    let is_foreign = |c: char| matches!(c, '/' | '\'' | '$' | '#' | '\0') || c.is_whitespace();
    !is_mark && !name.starts_with('.') && !name.contains(is_foreign)
}
