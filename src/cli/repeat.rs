//! The words that run one trial of this run again: what was typed, without the filters, with the
//! environment's flags in front. The trial's name goes behind them.

use super::flags;
use super::libtest;
use super::{Door, Environment};

/// Flags that say which trials, or that none is to run; without their values where they have any.
const WHICH: [&str; 6] = [
    "--list",
    "--exact",
    "--skip",
    "--ignored",
    "--include-ignored",
    "--logfile",
];

/// The words, for a program that was started by `program` with these words behind it (those of the
/// command, for `shakedown run`). None when a script came on standard input: nobody can repeat that.
pub(super) fn words(
    program: &str,
    words: &[String],
    environment: &Environment,
    door: Door,
) -> Vec<String> {
    let typed = flags_of(words, door);
    if door == Door::Program && typed.iter().any(|word| word == "-") {
        return Vec::new();
    }
    let twins = flags::TABLE.iter().filter_map(|flag| {
        let value = environment.get(flag.facts.twin)?;
        (!value.is_empty()).then(|| format!("{}={value}", flag.facts.twin))
    });
    let mut repeat: Vec<String> = twins.collect();
    if !repeat.is_empty() {
        repeat.insert(0, "env".to_owned());
    }
    match door {
        Door::Program => repeat.extend([program.to_owned(), "run".to_owned()]),
        Door::Target => repeat.extend(target(program, environment)),
    }
    repeat.extend(typed);
    repeat.push("--exact".to_owned());
    if door == Door::Program {
        repeat.push("--".to_owned());
    }
    repeat
}

/// How a test target is started: by cargo, if cargo started this one.
fn target(program: &str, environment: &Environment) -> Vec<String> {
    let package = environment.get("CARGO_PKG_NAME");
    let by_cargo = environment.contains_key("CARGO");
    let file = program.rsplit('/').next().unwrap_or(program);
    // Cargo puts a hash behind the target's name.
    let name = file.rsplit_once('-').filter(|(_, hash)| {
        hash.len() == 16 && hash.chars().all(|digit| digit.is_ascii_hexdigit())
    });
    match (package, name) {
        (Some(package), Some((name, _))) if by_cargo => {
            ["cargo", "test", "-p", package, "--test", name, "--"]
                .map(str::to_owned)
                .to_vec()
        }
        (Some(_) | None, _) => vec![program.to_owned()],
    }
}

/// The flags with their values, and for the program the paths.
fn flags_of(words: &[String], door: Door) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = words.iter().take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        let word = flags::spelled(word);
        let is_flag = word.len() > 1 && word.starts_with('-');
        let name = word.split_once('=').map_or(word, |(name, _)| name);
        let value = if is_flag && takes_next(word) {
            words.next()
        } else {
            None
        };
        let kept_here = if is_flag {
            !WHICH.contains(&name)
        } else {
            door == Door::Program
        };
        if kept_here {
            kept.push(word.to_owned());
            kept.extend(value.cloned());
        }
    }
    kept
}

/// The flag's value is the next word.
fn takes_next(word: &str) -> bool {
    if let Some(letters) = word.strip_prefix('-').filter(|rest| !rest.starts_with('-')) {
        let valued = |letter: &char| {
            let ours = flags::TABLE
                .iter()
                .any(|flag| flag.facts.short == Some(*letter) && flag.facts.value.is_some());
            let libtest = libtest::TABLE
                .iter()
                .any(|flag| flag.short == Some(*letter) && flag.value.is_some());
            ours || libtest
        };
        // The first letter with a value takes what is behind it, or else the next word.
        let mut letters = letters.chars();
        return letters.any(|letter| valued(&letter)) && letters.as_str().is_empty();
    }
    let ours = flags::TABLE
        .iter()
        .any(|flag| flag.facts.name == word && flag.facts.value.is_some());
    ours || libtest::TABLE
        .iter()
        .any(|flag| flag.name == word && flag.value.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(program: &str, typed: &str, environment: &[(&str, &str)], door: Door, wanted: &str) {
        let typed: Vec<String> = typed.split_whitespace().map(str::to_owned).collect();
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let environment = environment.iter().map(pair).collect();
        let found = words(program, &typed, &environment, door);
        assert_eq!(found.join(" "), wanted, "{typed:?}");
    }

    #[test]
    fn a_run_is_repeated_with_its_flags_and_paths_and_without_its_filters() {
        let program = |typed, wanted| check("shakedown", typed, &[], Door::Program, wanted);
        program("", "shakedown run --exact --");
        program(
            "--engine podman --deadline=5s fixtures -v -- a b",
            "shakedown run --engine podman --deadline=5s fixtures -v --exact --",
        );
        program(
            "--list --exact --skip x -e A=1 -eB -qv dir",
            "shakedown run -e A=1 -eB -qv dir --exact --",
        );
        program(
            "-continue dir -work",
            "shakedown run --continue dir --work --exact --",
        );
        program("-", "");
    }

    #[test]
    fn a_target_is_started_by_cargo_if_it_was() {
        let hashed = "/w/target/debug/deps/scripts-0123456789abcdef";
        let cargo = [("CARGO", "/bin/cargo"), ("CARGO_PKG_NAME", "ship")];
        check(
            hashed,
            "--engine docker alpha beta",
            &cargo,
            Door::Target,
            "cargo test -p ship --test scripts -- --engine docker --exact",
        );
        check(
            hashed,
            "alpha",
            &[],
            Door::Target,
            &format!("{hashed} --exact"),
        );
        let twins = [("SHAKEDOWN_ENGINE", "podman"), ("SHAKEDOWN_KEEP", "")];
        check(
            "deps/scripts",
            "",
            &twins,
            Door::Target,
            "env SHAKEDOWN_ENGINE=podman deps/scripts --exact",
        );
    }
}
