//! Runs the scripts of tests/scripts, and adds to their language what this project needs.

use std::process::ExitCode;

use shakedown::{CommandContext, CommandError, Expect, Harness, Preparation};

fn main() -> ExitCode {
    Harness::from_manifest()
        .program("greeter", greeter::main)
        .command("lines", lines)
        .condition("built", built)
        .prepare(write_config)
        .main()
}

/// `lines N FILE`: the file has N lines. FILE may be `stdout` or `stderr`.
fn lines(
    context: &mut CommandContext<'_>,
    expect: Expect,
    arguments: &[Vec<u8>],
) -> Result<(), CommandError> {
    let [wanted, file] = arguments else {
        return Err("usage: lines N FILE".into());
    };
    let wanted = String::from_utf8_lossy(wanted);
    let wanted: usize = wanted
        .parse()
        .map_err(|_| format!("expected a number, found `{wanted}`"))?;
    let file = String::from_utf8_lossy(file);
    let found = context
        .read_file(&file)?
        .split_inclusive(|byte| *byte == b'\n')
        .count();
    match (expect, found == wanted) {
        (Expect::Success, true) | (Expect::Failure, false) => Ok(()),
        (Expect::Success, false) => Err(format!("{file} has {found} lines, not {wanted}").into()),
        (Expect::Failure, true) => Err(format!("{file} has {found} lines").into()),
    }
}

/// `[built:debug]` and `[built:release]`: how this test target, and the program in it, was compiled.
fn built(profile: &str) -> Result<bool, String> {
    match profile {
        "debug" => Ok(cfg!(debug_assertions)),
        "release" => Ok(!cfg!(debug_assertions)),
        _ => Err("expected built:debug or built:release".to_owned()),
    }
}

/// Every script starts with a configuration of its own.
fn write_config(script: &mut Preparation<'_>) -> Result<(), String> {
    script.write_file("config/greeting", "hello\n")?;
    let file = script.work_dir().join("config/greeting");
    script.set_variable("GREETER_CONFIG", file.into_os_string().into_encoded_bytes());
    Ok(())
}
