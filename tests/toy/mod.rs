//! A program under test: runs the commands of a `toy.toml`, on the host or in a container.
//!
//! ```toml
//! [hello]
//! image = "localhost/shakedown/base:1"   # without it: on the host
//! script = "echo hello"
//! ```
//!
//! It calls the engine that `$ENGINE` names, so a script that calls `toy` drives containers without a word of
//! an engine in it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};

use serde::Deserialize;

/// Where the commands are, in the current directory.
pub(crate) const FILE: &str = "toy.toml";

/// What can follow `toy`.
pub(crate) const SUBCOMMANDS: [&str; 3] = ["cmd", "list", "greet"];

/// One command.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    image: Option<String>,
    script: String,
}

/// The program's `main`.
pub(crate) fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match perform(&words) {
        Ok(code) => ExitCode::from(code),
        Err(message) => {
            eprintln!("toy: {message}");
            ExitCode::from(2)
        }
    }
}

fn perform(words: &[&str]) -> Result<u8, String> {
    match words {
        ["cmd", name] => {
            let commands = read()?;
            let entry = commands
                .get(*name)
                .ok_or_else(|| format!("no command `{name}` in {FILE}"))?;
            run(entry)
        }
        ["list"] => {
            for name in read()?.keys() {
                println!("{name}");
            }
            Ok(0)
        }
        ["greet"] => {
            greet()?;
            Ok(0)
        }
        _ => Err("usage: toy cmd NAME | toy list | toy greet".to_owned()),
    }
}

fn read() -> Result<BTreeMap<String, Entry>, String> {
    let text = std::fs::read_to_string(FILE).map_err(|error| format!("{FILE}: {error}"))?;
    toml::from_str(&text).map_err(|error| format!("{FILE}: {error}"))
}

fn run(entry: &Entry) -> Result<u8, String> {
    let mut command = match &entry.image {
        None => Command::new("sh"),
        Some(image) => {
            let engine = variable("ENGINE")?;
            let here = std::env::current_dir().map_err(|error| error.to_string())?;
            let mut command = Command::new(engine);
            command
                .args(["run", "--rm", "--network", "none"])
                .arg(format!("--volume={}:/workspace", here.display()))
                .args(["--workdir", "/workspace", image, "sh"]);
            command
        }
    };
    let status = command.args(["-c", &entry.script]).status();
    let status = status.map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    code(status)
}

/// A command's exit code is ours.
fn code(status: ExitStatus) -> Result<u8, String> {
    let code = status.code().ok_or_else(|| status.to_string())?;
    u8::try_from(code).map_err(|error| error.to_string())
}

fn greet() -> Result<(), String> {
    let home = variable("TOY_HOME")?;
    let greeting = std::fs::read_to_string(Path::new(&home).join("greeting"));
    print!("{}", greeting.map_err(|error| error.to_string())?);
    Ok(())
}

fn variable(name: &str) -> Result<String, String> {
    std::env::var(name)
        .ok()
        .filter(|value| !value.is_empty())
        .ok_or_else(|| format!("${name} is not set"))
}
