//! The `shakedown` program: `shakedown help` tells what it does.

use std::process::ExitCode;

fn main() -> ExitCode {
    shakedown::cli::main()
}
