//! Greets people, here or from inside a container.
//!
//! The program is in the library, so that the test target can offer it to scripts without building or
//! finding another executable.

use std::env;
use std::fs;
use std::io::{self, BufRead};
use std::process::{Command, ExitCode};

const USAGE: &str = "usage: greeter NAME... | greeter - | greeter --in IMAGE NAME";

/// The program's `main`.
pub fn main() -> ExitCode {
    match greet(&env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("greeter: {message}");
            ExitCode::FAILURE
        }
    }
}

fn greet(words: &[String]) -> Result<(), String> {
    let word = greeting()?;
    match words {
        [] => Err(USAGE.to_owned()),
        [dash] if dash == "-" => {
            for name in io::stdin().lock().lines() {
                println!("{word}, {}", name.map_err(|error| error.to_string())?);
            }
            Ok(())
        }
        [flag, image, name] if flag == "--in" => {
            greet_from_container(image, &format!("{word}, {name}"))
        }
        names => {
            for name in names {
                println!("{word}, {name}");
            }
            Ok(())
        }
    }
}

/// The word of greeting: the contents of the file that `GREETER_CONFIG` names, or else `hello`.
fn greeting() -> Result<String, String> {
    match env::var_os("GREETER_CONFIG") {
        None => Ok("hello".to_owned()),
        Some(file) => match fs::read_to_string(&file) {
            Ok(text) => Ok(text.trim().to_owned()),
            Err(error) => Err(format!("cannot read {}: {error}", file.display())),
        },
    }
}

/// Lets a container say it. `ENGINE` says which engine's command to use.
fn greet_from_container(image: &str, text: &str) -> Result<(), String> {
    let engine = env::var("ENGINE").unwrap_or_else(|_| "docker".to_owned());
    let status = Command::new(&engine)
        .args(["run", "--rm", "--network", "none", image, "echo", text])
        .status()
        .map_err(|error| format!("cannot start {engine}: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{engine}: {status}"))
    }
}
