//! Our own first user: scripts that drive a small program, which drives containers.
//!
//! `tests/it` runs this executable too, on projects of its own.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a program under test prints, and starts what it likes"
)]

mod hangs;
mod toy;

use std::path::Path;
use std::process::ExitCode;

use shakedown::cli::Harness;
use shakedown::interp::{CommandContext, CommandError, Expect, Preparation};

/// Where the scripts of this project are; the program `toy` is known only here.
const FOLDERS: [&str; 4] = [
    "fixtures/plain",
    "fixtures/language",
    "fixtures/container",
    "fixtures/toy",
];

fn main() -> ExitCode {
    let mut harness = Harness::from_manifest()
        .program("toy", toy::main)
        .program("hangs", hangs::main)
        .command("crash-slot", crash_slot)
        .command("never-returns", never_returns)
        .command("prints", prints)
        .command("toy-add", toy_add)
        .condition("toy", toy_has)
        .prepare(give_toy_a_home);
    // On other projects harness.toml says where the scripts are.
    if Path::new("fixtures/toy").is_dir() {
        for folder in FOLDERS {
            harness = harness.scripts(folder);
        }
    }
    harness.main()
}

/// `crash-slot`: takes the worker process down, as a bug in a native library would.
fn crash_slot(_: &mut CommandContext<'_>, _: Expect, _: &[Vec<u8>]) -> Result<(), CommandError> {
    eprintln!("crash-slot: something went terribly wrong");
    std::process::abort();
}

/// `never-returns`: waits for what never comes.
fn never_returns(_: &mut CommandContext<'_>, _: Expect, _: &[Vec<u8>]) -> Result<(), CommandError> {
    loop {
        std::thread::park();
    }
}

/// `prints TEXT`: writes to the worker's own stdout and stderr, as a careless command does.
fn prints(_: &mut CommandContext<'_>, _: Expect, words: &[Vec<u8>]) -> Result<(), CommandError> {
    if words.is_empty() {
        return Err("usage: prints TEXT...".into());
    }
    for word in words {
        println!("{}", String::from_utf8_lossy(word));
        eprintln!("{}", String::from_utf8_lossy(word));
    }
    Ok(())
}

/// `toy-add NAME SCRIPT`: adds a command to `toy.toml`.
fn toy_add(
    context: &mut CommandContext<'_>,
    expect: Expect,
    words: &[Vec<u8>],
) -> Result<(), CommandError> {
    let [name, script] = words else {
        return Err("usage: toy-add NAME SCRIPT".into());
    };
    if expect == Expect::Failure {
        return Err("unsupported: ! toy-add".into());
    }
    let path = context.make_absolute(toy::FILE);
    let mut text = std::fs::read_to_string(&path).unwrap_or_default();
    let [name, script] = [name, script].map(|word| String::from_utf8_lossy(word));
    for part in ["\n[", &name, "]\nscript = '''", &script, "'''\n"] {
        text.push_str(part);
    }
    std::fs::write(path, text)?;
    Ok(())
}

/// `[toy:WORD]`: whether `toy` has such a subcommand.
fn toy_has(word: &str) -> Result<bool, String> {
    if word.is_empty() {
        return Err("expected a subcommand: [toy:cmd]".to_owned());
    }
    Ok(toy::SUBCOMMANDS.contains(&word))
}

/// `toy` keeps its greeting in a folder that `$TOY_HOME` names.
fn give_toy_a_home(script: &mut Preparation<'_>) -> Result<(), String> {
    let home = script.work_dir().join(".toy");
    script.write_file(home.join("greeting"), "ahoy\n")?;
    script.set_variable("TOY_HOME", home.into_os_string().into_encoded_bytes());
    Ok(())
}
